/**
 * Approved labels back to the PACS that the series came from. There the patient has a name: the label is written anew on the
 * series as the PACS has it. Which of its instances is which is found by making the pseudonyms of theirs again.
 */
import type { DicomwebClient } from '@consilium/archive';
import { readDicomSeries, type SeriesInfo } from '@consilium/imaging';
import { ReadingError } from '../reading-error.ts';
import { caseById, changeAndTell, protocolOf, type RoomParts } from '../room/room-parts.ts';
import { flattened, segmentationOf } from './archive-handover.ts';

/** Where labels are sent. */
export interface LabelRemote {
  readonly name: string;
  readonly client: Pick<DicomwebClient, 'search' | 'retrieve' | 'store'>;
}

/** In the archive, and not yet sent, the oldest first. Series that came as NIfTI are in no PACS. */
export function sendingsDue({ database }: RoomParts): readonly string[] {
  return database
    .prepare('SELECT version_id FROM handover WHERE sent_ms IS NULL AND SOPInstanceUID IS NOT NULL ORDER BY at_ms')
    .all()
    .map((row) => String(row['version_id']));
}

/**
 * Doing it twice sends the same instance twice, which is one to a PACS.
 * @throws ReadingError `reading.pacs-lacks-series`, `reading.pacs-refused`; ArchiveError `archive.dicomweb-*`
 */
export async function sendLabel(parts: RoomParts, versionId: string, { client, name }: LabelRemote): Promise<void> {
  const { clock, database, versions, volumes } = parts;
  const version = versions.get(versionId);
  const { geometry } = caseById(parts, version.caseId);
  const { series } = await volumes.open(version.seriesInstanceUid);
  const own = await seriesAtRemote(parts, series!, client);
  const { bytes } = segmentationOf(version, {
    ...{ geometry, series: own, voxels: flattened(await versions.layers(version, geometry)) },
    ...{ protocol: protocolOf(parts, version.project, version.protocolVersion) },
    // The names of readers stay here; a PACS would need their own, not what stands for them.
    ...{ creator: '', approvedMs: version.createdMs },
  });
  const answer = await client.store([bytes]);
  // Failed SOP Sequence; some write an empty one.
  if ((answer['00081198']?.Value ?? []).length > 0) {
    throw new ReadingError('reading.pacs-refused', 'The PACS did not take a label. Its log says why.');
  }
  await changeAndTell(parts, () => {
    const now = clock.nowMs();
    database.prepare('UPDATE handover SET sent_to = ?, sent_ms = ? WHERE version_id = ?').run(name, now, versionId);
    const { caseId, project, taskId } = version;
    const facts = { version: versionId, remote: name };
    return { value: undefined, event: { person: 'consilium', kind: 'sent', project, caseId, taskId, facts } };
  });
}

/** The series under the names and UIDs that it has at the remote. */
async function seriesAtRemote(
  { archive }: RoomParts,
  series: SeriesInfo,
  client: LabelRemote['client'],
): Promise<SeriesInfo> {
  const study = archive.reidentify('study', series.study.instanceUid)[0]?.['StudyInstanceUID'];
  const uid = archive.reidentify('series', series.instanceUid)[0]?.['SeriesInstanceUID'];
  if (study === undefined || uid === undefined) throw lacking();
  const path = `/studies/${study}/series/${uid}`;
  const originals = new Map<string, string>();
  for await (const match of client.search(`${path}/instances`, {})) {
    const original = String(match['00080018']?.Value?.[0] ?? '');
    if (original !== '') originals.set(archive.pseudonymOf(original), original);
  }
  const instances = series.instances.map(({ sopClassUid, sopInstanceUid }) => {
    const original = originals.get(sopInstanceUid);
    if (original === undefined) throw lacking();
    return { sopClassUid, sopInstanceUid: original };
  });
  for await (const file of client.retrieve(`${path}/instances/${instances[0]!.sopInstanceUid}`)) {
    const own = (await readDicomSeries([file])).series;
    return { ...own, geometry: series.geometry, instances };
  }
  throw lacking();
}

function lacking(): ReadingError {
  const message = 'The PACS to which labels are sent does not have the series, or not all of it.';
  return new ReadingError('reading.pacs-lacks-series', message);
}
