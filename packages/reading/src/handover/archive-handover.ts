/** What was approved goes to the archive: as a DICOM SEG on the series' own grid, or NIfTI where the series is no DICOM. */
import { createHmac } from 'node:crypto';
import {
  type CodedConcept,
  encodeNifti,
  type Geometry,
  type SegmentInfo,
  type SeriesInfo,
  uidOf,
  voxelCount,
  writeDicomSegmentation,
} from '@consilium/imaging';
import type { Protocol } from '../contract/protocol-schema.ts';
import { caseById, changeAndTell, protocolOf, type RoomParts } from '../room/room-parts.ts';
import type { Version } from '../store/version-store.ts';

/** Approved and not yet in the archive, the oldest first. */
export function handoversDue({ database }: RoomParts): readonly string[] {
  return database
    .prepare(
      `SELECT approval.version_id AS id FROM approval JOIN review ON review.id = review_id
       WHERE NOT EXISTS (SELECT 1 FROM handover WHERE handover.version_id = approval.version_id) ORDER BY review_id`,
    )
    .all()
    .map(({ id }) => String(id));
}

/** Doing it twice does it once. @throws ArchiveError `archive.subject-erased`, `archive.disk-full` and others */
export async function handOver(parts: RoomParts, versionId: string): Promise<void> {
  const { archive, clock, database, versions, volumes } = parts;
  const version = versions.get(versionId);
  const { geometry } = caseById(parts, version.caseId);
  const protocol = protocolOf(parts, version.project, version.protocolVersion);
  const { series } = await volumes.open(version.seriesInstanceUid);
  const voxels = flattened(await versions.layers(version, geometry));
  const file =
    series === undefined
      ? await keepNifti(parts, { version, protocol, geometry, voxels })
      : await keepSegmentation(
          parts,
          segmentationOf(version, {
            protocol,
            series,
            voxels,
            geometry,
            ...creatorOf(parts, version, protocol),
            ...timeOf(parts, versionId),
          }),
        );
  await changeAndTell(parts, () => {
    database
      .prepare('INSERT INTO handover VALUES (?, ?, ?, ?, NULL, NULL) ON CONFLICT DO NOTHING')
      .run(versionId, file.sopInstanceUid ?? null, file.sha256, clock.nowMs());
    const { caseId, project, taskId } = version;
    const facts = { version: versionId, sopInstanceUid: file.sopInstanceUid };
    return { value: undefined, event: { person: 'consilium', kind: 'handed-over', project, caseId, taskId, facts } };
  });
  // Cohorts take it once the archive has looked at it.
  await archive.series.settle(version.seriesInstanceUid);
}

interface KeptFile {
  readonly sha256: string;
  readonly sopInstanceUid: string | undefined;
}

async function keepSegmentation(
  { archive }: RoomParts,
  seg: { bytes: Uint8Array; sopInstanceUid: string },
): Promise<KeptFile> {
  return { sha256: await archive.drawn.keepSegmentation(seg.bytes), sopInstanceUid: seg.sopInstanceUid };
}

async function keepNifti(
  { archive }: RoomParts,
  {
    geometry,
    protocol,
    version,
    voxels,
  }: { version: Version; protocol: Protocol; geometry: Geometry; voxels: Uint8Array },
): Promise<KeptFile> {
  const counts = new Float64Array(256);
  for (const value of voxels) counts[value]!++;
  const voxelMl = geometry.spacingMm.reduce((product, mm) => product * mm, 1) / 1000;
  const { kind, algorithm } = drawnBy(version);
  const sha256 = await archive.drawn.keepNifti(version.seriesInstanceUid, {
    bytes: encodeNifti({ geometry, voxels }),
    provenance: {
      ...{ kind, algorithm, sopInstanceUid: undefined },
      segmentNames: Object.fromEntries(protocol.structures.map(({ name, number }) => [String(number), name])),
    },
    segments: protocol.structures.map(({ name, number }) => ({ number, name, volumeMl: counts[number]! * voxelMl })),
  });
  return { sha256, sopInstanceUid: undefined };
}

/** One layer out of several: where structures overlap, the one of the higher layer, as readers of such files take it. */
export function flattened(layers: readonly Uint8Array[]): Uint8Array {
  const voxels = layers[0]!.slice();
  for (const layer of layers.slice(1)) {
    for (let at = 0; at < layer.length; at++) if (layer[at] !== 0) voxels[at] = layer[at]!;
  }
  return voxels;
}

interface SegmentationParts {
  readonly protocol: Protocol;
  readonly series: SeriesInfo;
  readonly geometry: Geometry;
  readonly voxels: Uint8Array;
  readonly creator: string;
  readonly approvedMs: number;
}

/** Segments are numbered in the order of the protocol, without gaps, as DICOM wants them. */
export function segmentationOf(
  version: Version,
  { approvedMs, creator, geometry, protocol, series, voxels }: SegmentationParts,
): { readonly bytes: Uint8Array; readonly sopInstanceUid: string } {
  const numbers = new Uint8Array(256);
  for (const [at, { number }] of protocol.structures.entries()) numbers[number] = at + 1;
  const renumbered = new Uint8Array(voxelCount(geometry));
  for (let at = 0; at < renumbered.length; at++) renumbered[at] = numbers[voxels[at]!]!;
  const time = new Date(approvedMs).toISOString().replace(/[-:]/g, '');
  const sopInstanceUid = uidOf('reading', version.id);
  const bytes = writeDicomSegmentation({ geometry, voxels: renumbered }, segmentsOf(version, protocol), series, {
    seriesInstanceUid: uidOf('reading series', version.id),
    sopInstanceUid,
    seriesDescription: protocol.title.slice(0, 64),
    contentLabel: 'READING',
    // The version, so that the file leads back to all that is known of it.
    contentDescription: version.id,
    contentCreator: creator,
    contentDate: time.slice(0, 8),
    contentTime: time.slice(9, 15),
  });
  return { bytes, sopInstanceUid };
}

function segmentsOf(version: Version, { structures }: Protocol): readonly SegmentInfo[] {
  const { algorithm, kind } = drawnBy(version);
  const types = { manual: 'MANUAL', semiautomatic: 'SEMIAUTOMATIC', automatic: 'AUTOMATIC' } as const;
  const concept = ({ meaning, scheme, value }: CodedConcept): CodedConcept => ({ value, scheme, meaning });
  return structures.map(({ category, name, region, type }, at) => ({
    number: at + 1,
    label: name,
    ...{ category: concept(category), type: concept(type), region: region && concept(region) },
    algorithmType: types[kind],
    algorithmName: algorithm,
  }));
}

/** A label that no model had a hand in is manual; what a person approved is never automatic. */
function drawnBy({ provenance }: Version): { kind: 'manual' | 'semiautomatic'; algorithm: string | undefined } {
  const models = provenance.models ?? [];
  if (models.length === 0) return { kind: 'manual', algorithm: undefined };
  return {
    kind: 'semiautomatic',
    algorithm: models
      .map(({ name }) => name)
      .join(', ')
      .slice(0, 64),
  };
}

function creatorOf({ secret }: RoomParts, { person }: Version, { creator }: Protocol): { creator: string } {
  if (creator === 'none') return { creator: '' };
  const digest = createHmac('sha256', secret).update(`reader ${person}`).digest('hex');
  return { creator: `Reader^${digest.slice(0, 12)}` };
}

function timeOf({ database }: RoomParts, versionId: string): { approvedMs: number } {
  const row = database
    .prepare('SELECT at_ms FROM approval JOIN review ON review.id = review_id WHERE approval.version_id = ?')
    .get(versionId)!;
  return { approvedMs: Number(row['at_ms']) };
}
