/** Records what a few studies hash to. Run it only when the anatomy is meant to change, and say so in the changelog. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { makeStudy, type SiteProfile, type StudyOptions, siteProfiles } from '../src/index.ts';

const cases: { options: StudyOptions; matrix: number | null }[] = [
  { options: { seed: 7, siteIndex: 0, studyIndex: 1, detail: 'small' }, matrix: null },
  { options: { seed: 7, siteIndex: 3, studyIndex: 4, detail: 'small' }, matrix: null },
  { options: { seed: 2026, siteIndex: 5, studyIndex: 49, detail: 'small' }, matrix: null },
  { options: { seed: 7, siteIndex: 1, studyIndex: 0, detail: 'full' }, matrix: 96 },
];

const recorded = cases.map(({ options, matrix }) => {
  const site = siteProfiles[options.siteIndex] as SiteProfile;
  const profile = matrix === null ? site : { ...site, protocol: { ...site.protocol, matrix } };
  const { image, label, reference, info } = makeStudy({ ...options, profile });
  const hash = createHash('sha256');
  for (const { voxels } of [image, label, reference]) {
    hash.update(new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength));
  }
  return { options, matrix, sha256: hash.update(JSON.stringify([info, image.geometry])).digest('hex') };
});

const folder = new URL('../src/recorded/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('study-hashes.json', folder), `${JSON.stringify(recorded, null, 2)}\n`);
