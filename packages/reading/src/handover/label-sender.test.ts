/** An approved label in the PACS, which is a real Orthanc. */
import { Archive, archiveSettingsSchema, DicomwebClient } from '@consilium/archive';
import { readDicomSegmentation } from '@consilium/imaging';
import { expect, it } from 'vitest';
import { hasOrthanc, startOrthanc } from '../orthanc.fixture.ts';
import { ReadingRoom } from '../reading-room.ts';
import {
  boxLabel,
  lead,
  readerA,
  readTask,
  renalProtocol,
  reviewer,
  ToyClock,
  ToyDirectory,
  toyFiles,
  toyGeometry,
} from '../toy-room.fixture.ts';

it.skipIf(!hasOrthanc)('is there under the patient’s own name, on the series as the PACS has it', async () => {
  using directory = new ToyDirectory();
  await using orthanc = await startOrthanc();
  await using client = new DicomwebClient({ url: `${orthanc.url}/dicom-web` });
  const files = toyFiles('Jane');
  const clock = new ToyClock();
  // With its own de-identification.
  await using archive = await Archive.open(directory.path, archiveSettingsSchema.parse({}), { clock });
  for (const file of files) await archive.door.admit(file, { kind: 'upload' });
  await archive.series.settle();
  const [series] = archive.catalogue.search('').series;
  expect(series!.patientId).not.toBe('Jane');
  const troubles: unknown[] = [];
  const room = await ReadingRoom.open(archive, {
    ...{ directory: directory.path, clock, labelRemote: { name: 'pacs', client } },
    onTrouble: (error) => troubles.push(error),
  });
  const project = 'renal';
  await room.projects.create(lead, project, renalProtocol);
  const wanted = { readers: 1, isBlinded: false, assignTo: ['anna'], priority: 0, dueMs: undefined };
  const [made] = await room.projects.addCases(lead, project, { ...wanted, series: [series!.seriesInstanceUid] });
  const name = { project, taskId: made!.tasks[0]! };
  const version = await readTask(room, readerA, { ...name, label: boxLabel(1) });
  await room.reviews.take(reviewer, name);
  await room.reviews.decide(reviewer, { ...name, version, decision: 'approve', comment: '' });
  await room.idle();
  // Not yet: the PACS does not have the series.
  expect(troubles).toMatchObject([{ code: 'reading.pacs-lacks-series' }]);
  const stored = await client.store(files);
  expect(stored['00081198']?.Value ?? []).toEqual([]);
  await room[Symbol.asyncDispose]();
  const refusing = {
    search: client.search.bind(client),
    retrieve: client.retrieve.bind(client),
    store: async () => ({ '00081198': { vr: 'SQ', Value: [{}] } }),
  };
  const refused = await ReadingRoom.open(archive, {
    ...{ directory: directory.path, clock, labelRemote: { name: 'pacs', client: refusing } },
    onTrouble: (error) => troubles.push(error),
  });
  await refused.idle();
  await refused[Symbol.asyncDispose]();
  expect(troubles[1]).toMatchObject({ code: 'reading.pacs-refused' });
  await using again = await ReadingRoom.open(archive, {
    ...{ directory: directory.path, clock, labelRemote: { name: 'pacs', client } },
    onTrouble: (error) => troubles.push(error),
  });
  await again.idle();
  expect(troubles).toHaveLength(2);
  const found: { study: string; series: string; uid: string; patient: string }[] = [];
  for await (const match of client.search('/instances', { Modality: 'SEG' })) {
    const value = (tag: string) => String(match[tag]?.Value?.[0]);
    found.push({
      study: value('0020000D'),
      series: value('0020000E'),
      uid: value('00080018'),
      patient: value('00100020'),
    });
  }
  expect(found).toHaveLength(1);
  const { series: seg, study, uid } = found[0]!;
  for await (const bytes of client.retrieve(`/studies/${study}/series/${seg}/instances/${uid}`)) {
    const text = Buffer.from(bytes).toString('latin1');
    expect(text).toContain('Jane');
    for (const absent of ['anna', 'rita', series!.seriesInstanceUid, series!.patientId])
      expect(text).not.toContain(absent);
    expect((await readDicomSegmentation(bytes, toyGeometry)).labels.voxels).toEqual(boxLabel(1));
  }
  expect(again.events(lead, project, { since: 0, limit: 100 }).at(-1)).toMatchObject({
    kind: 'sent',
    facts: { remote: 'pacs' },
  });
});
