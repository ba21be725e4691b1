import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import recorded from './recorded/study-hashes.json' with { type: 'json' };
import { type SiteProfile, siteProfiles } from './site-profile.ts';
import { makeStudy, type PhantomStudy, type StudyOptions } from './study.ts';

const sha256 = ({ image, label, reference, info }: PhantomStudy): string => {
  const hash = createHash('sha256');
  for (const { voxels } of [image, label, reference]) {
    hash.update(new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength));
  }
  return hash.update(JSON.stringify([info, image.geometry])).digest('hex');
};

const small = (options: Partial<StudyOptions> = {}): PhantomStudy =>
  makeStudy({ seed: 1, siteIndex: 0, studyIndex: 0, detail: 'small', ...options });

describe('a study', () => {
  let studies: PhantomStudy[];

  beforeAll(() => {
    studies = siteProfiles.flatMap((_, siteIndex) => [0, 1].map((studyIndex) => small({ siteIndex, studyIndex })));
  });

  it('is recorded: the same options give these bytes on every machine', () => {
    for (const { options, matrix, sha256: expected } of recorded) {
      const site = siteProfiles[options.siteIndex] as SiteProfile;
      const profile = matrix === null ? site : { ...site, protocol: { ...site.protocol, matrix } };
      const made = makeStudy({ ...(options as StudyOptions), profile });
      expect(sha256(made), JSON.stringify(options)).toBe(expected);
    }
  });

  it('depends on seed, site and number', () => {
    const hashes = [small(), small({ seed: 2 }), small({ siteIndex: 1 }), small({ studyIndex: 1 })].map(sha256);
    expect(new Set(hashes).size).toBe(4);
    expect(sha256(small())).toBe(hashes[0]);
  });

  it("has labels of the four classes on the image's grid, with kidney and tumour in every truth", () => {
    for (const { image, label, reference } of studies) {
      const length = image.geometry.size.reduce((product, voxels) => product * voxels, 1);
      expect(image.voxels).toBeInstanceOf(Int16Array);
      expect([image.voxels.length, label.voxels.length, reference.voxels.length]).toEqual([length, length, length]);
      expect(label.geometry).toEqual(image.geometry);
      expect(reference.geometry).toEqual(image.geometry);
      for (const { voxels } of [label, reference]) expect(Math.max(...new Set(voxels))).toBeLessThanOrEqual(3);
      expect(reference.voxels.includes(1)).toBe(true);
      expect(reference.voxels.includes(2)).toBe(true);
    }
  });

  it('keeps kidneys and masses inside the body', () => {
    for (const { image, reference } of studies) {
      const inside = Array.from(reference.voxels.keys()).filter((at) => reference.voxels[at] !== 0);
      const inAir = inside.filter((at) => (image.voxels[at] as number) < -250).length;
      expect(inAir / inside.length).toBeLessThan(0.002);
    }
  });

  it("has a rehearsal's size, the site's spacing, and HU of a CT", () => {
    for (const [index, { image }] of studies.entries()) {
      const { small: wanted } = (siteProfiles[Math.floor(index / 2)] as SiteProfile).protocol;
      const [slices, rows, columns] = image.geometry.size;
      expect(slices).toBeGreaterThanOrEqual(24);
      expect(slices).toBeLessThanOrEqual(49);
      expect([rows, columns]).toEqual(wanted.size);
      expect(image.geometry.spacingMm).toEqual([wanted.sliceSpacingMm, wanted.pixelMm, wanted.pixelMm]);
      let [lowest, highest] = [0, 0];
      for (const value of image.voxels) [lowest, highest] = [Math.min(lowest, value), Math.max(highest, value)];
      expect(lowest).toBeGreaterThanOrEqual(-1024);
      expect(highest).toBeLessThanOrEqual(3071);
    }
    expect(new Set(studies.map(({ image }) => image.geometry.spacingMm.join())).size).toBeGreaterThanOrEqual(5);
  });

  it('says that it is synthetic, whose, and what is in it', () => {
    for (const [index, { info, reference }] of studies.entries()) {
      expect(info.synthetic).toBe(true);
      expect(info.patientId).toMatch(/^SYNTH-s[0-5]-000[01]$/);
      expect(info.manufacturer).toContain('SIMULATED');
      expect(info.site).toBe(siteProfiles[Math.floor(index / 2)]?.name);
      const [dz, dy, dx] = reference.geometry.spacingMm;
      const drawn = (reference.voxels.filter((value) => value === 2).length * dz * dy * dx) / 1000;
      expect(info.tumourVolumeMl / drawn).toBeGreaterThan(0.95);
      expect(info.tumourVolumeMl / drawn).toBeLessThan(1.2);
    }
  });

  // Upper bounds are the published mean + SD; the lower ones leave room for necrosis, dose and partial volume.
  it.each([
    ['unenhanced', [24, 46], [20, 48]],
    ['corticomedullary', [85, 205], [80, 218]],
    ['nephrographic', [130, 210], [70, 183]],
    ['excretory', [95, 175], [50, 134]],
  ] as const)(
    'shows kidneys and clear-cell tumours in the %s phase at HU as published',
    (phase, kidneyHu, tumourHu) => {
      const site = siteProfiles[0] as SiteProfile;
      const profile: SiteProfile = {
        ...site,
        protocol: {
          ...site.protocol,
          kvp: [120],
          phases: { unenhanced: 0, corticomedullary: 0, nephrographic: 0, excretory: 0, [phase]: 1 },
        },
        patients: {
          ...site.patients,
          tumourDiameter: { medianMm: 24, sdLog: 0.05 },
          subtypes: { 'clear-cell': 1, papillary: 0, chromophobe: 0, oncocytoma: 0, angiomyolipoma: 0 },
        },
      };
      const means = [0, 1, 2].map((studyIndex) => {
        const { image, reference } = small({ studyIndex, profile });
        return [1, 2].map((value) => medianWhere(image.voxels, reference.voxels, value));
      });
      for (const [index, [low, high]] of [kidneyHu, tumourHu].entries()) {
        const mean = means.reduce((sum, each) => sum + (each[index] as number), 0) / means.length;
        expect(mean).toBeGreaterThanOrEqual(low);
        expect(mean).toBeLessThanOrEqual(high);
      }
    },
  );

  it("of full detail has the site's matrix, field of view and spacing, and a round field where the site pads", () => {
    const site = siteProfiles[1] as SiteProfile;
    const profile = { ...site, protocol: { ...site.protocol, matrix: 80 } };
    const { image } = makeStudy({ seed: 1, siteIndex: 1, studyIndex: 0, detail: 'full', profile });
    const { fieldOfViewMm, sliceSpacingMm } = site.protocol;
    expect(image.geometry.size.slice(1)).toEqual([80, 80]);
    expect(image.geometry.spacingMm[0]).toBe(sliceSpacingMm);
    expect(Math.abs(image.geometry.spacingMm[2] * 80 - fieldOfViewMm)).toBeLessThan(0.5);
    expect(image.voxels[0]).toBe(-2000);
  });

  it('refuses a site without profile and numbers that are not whole', () => {
    expect(() => small({ siteIndex: 6 })).toThrow(expect.objectContaining({ code: 'phantom.site-unknown' }));
    expect(() => small({ seed: 0.5 })).toThrow(expect.objectContaining({ code: 'phantom.option-not-whole' }));
    expect(() => small({ studyIndex: -1 })).toThrow(expect.objectContaining({ code: 'phantom.option-not-whole' }));
  });
});

function medianWhere(image: ArrayLike<number>, labels: Uint8Array, value: number): number {
  const found = Array.from(labels.keys()).filter((at) => labels[at] === value);
  const sorted = found.map((at) => image[at] as number).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
