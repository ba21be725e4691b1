/** Looks at eight series in the archive in `argv[2]` and tells of each when it is done, until it is killed. */
import { openToyArchive, toySeries } from '../toy-archive.fixture.ts';

const archive = await openToyArchive(process.argv[2]!);
for (let patient = 0; patient < 8; patient++) {
  const files = toySeries({ patient: `P${patient}`, seed: patient });
  await Promise.all(files.map((bytes) => archive.door.admit(bytes, { kind: 'folder' })));
}
archive.events.listen((event) => event.kind === 'described' && process.send!(event.seriesInstanceUid));
await archive.series.settle();
