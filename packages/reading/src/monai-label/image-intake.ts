/**
 * An image that a client sends into the project: through the archive's doors, which de-identify it, then a case. DICOM comes as
 * a zip or as one instance, what is no DICOM as NIfTI or NRRD.
 */
import { open, readFile } from 'node:fs/promises';
import type { Admission, Archive } from '@consilium/archive';
import type { Asker } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import type { ReadingRoom } from '../reading-room.ts';
import type { UploadedFile } from './uploaded-form.ts';

/** How a zip file begins. */
const zipMagic = 'PK\u0003\u0004';

/**
 * @param image.name as its sender calls it: identified, and known to nobody but the identity map.
 * @returns the case.
 * @throws ReadingError `reading.image-refused`, `reading.series-unfit`, `reading.role-wanted`; ArchiveError `archive.zip-*`
 */
export async function takeImage(
  archive: Archive,
  room: ReadingRoom,
  asker: Asker,
  { project, image }: { project: string; image: { readonly name: string; readonly file: UploadedFile } },
): Promise<string> {
  const series = [...new Set(await admitted(archive, image))];
  if (series.length === 0) throw refused('it holds no image');
  for (const uid of series) await archive.series.settle(uid);
  const fit: string[] = [];
  let fault: unknown;
  for (const uid of series) {
    // A localiser beside the scan is no reason to refuse the scan.
    await room.volumes.open(uid).then(
      () => fit.push(uid),
      (error: unknown) => {
        fault = error;
      },
    );
  }
  if (fit.length === 0) throw fault;
  await room.projects.addCases(asker, project, {
    ...{ series: fit, readers: 1, isBlinded: true, assignTo: [], priority: 0, dueMs: undefined },
  });
  const cases = new Map(
    room.tasks.list(asker, project, { limit: 1_000_000 }).map((one) => [one.seriesInstanceUid, one.caseId]),
  );
  return cases.get(fit[0]!)!;
}

/** The series of which something is there now. */
async function admitted(
  archive: Archive,
  { file, name }: { name: string; file: UploadedFile },
): Promise<readonly string[]> {
  const head = await headOf(file.path);
  if (head.subarray(0, 4).toString('latin1') === zipMagic) {
    await using tree = await archive.intake.readZip(file.path);
    const instances: string[] = [];
    for (const one of tree.files) {
      if (!isDicom(Buffer.from(await tree.read(one, { bytesMax: 132 })))) continue;
      instances.push(instanceOf(await archive.door.admit(await tree.read(one), { kind: 'upload' })));
    }
    return seriesOf(archive, instances);
  }
  const bytes = new Uint8Array(await readFile(file.path));
  if (isDicom(head)) return seriesOf(archive, [instanceOf(await archive.door.admit(bytes, { kind: 'upload' }))]);
  const volume = { subject: name, session: '', name: 'image', modality: 'CT', isSynthetic: false };
  const admission = await archive.volumes.admit(bytes, volume);
  if (admission.kind === 'refused') throw refused(admission.code);
  return [admission.seriesInstanceUid];
}

function instanceOf(admission: Admission): string {
  if (admission.kind === 'refused') throw refused(admission.code);
  return admission.sopInstanceUid;
}

const instancesAtOnce = 500;

function seriesOf({ catalogue }: Archive, instances: readonly string[]): readonly string[] {
  const series = new Set<string>();
  for (let from = 0; from < instances.length; from += instancesAtOnce) {
    const values = instances.slice(from, from + instancesAtOnce);
    const { matches } = catalogue.find({
      level: 'instance',
      matches: [{ kind: 'any-of', attribute: 'SOPInstanceUID', values }],
      limit: instancesAtOnce,
    });
    for (const { SeriesInstanceUID } of matches) series.add(String(SeriesInstanceUID?.[0]));
  }
  return [...series];
}

/** @param reason a code. */
function refused(reason: string): ReadingError {
  return new ReadingError('reading.image-refused', `The archive did not take the image: ${reason}.`);
}

/** With the preamble of PS3.10. */
function isDicom(head: Buffer): boolean {
  return head.subarray(128, 132).toString('latin1') === 'DICM';
}

async function headOf(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(132), 0, 132, 0);
  return buffer.subarray(0, bytesRead);
}
