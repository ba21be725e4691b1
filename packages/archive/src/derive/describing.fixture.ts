/** Looks at eight series in the archive in `argv[2]`; stands still after the third, says so, and waits to be killed. */
import { writeSync } from 'node:fs';
import { openToyArchive, toySeries } from '../toy-archive.fixture.ts';

const archive = await openToyArchive(process.argv[2]!);
for (let patient = 0; patient < 8; patient++) {
  const files = toySeries({ patient: `P${patient}`, seed: patient });
  await Promise.all(files.map((bytes) => archive.door.admit(bytes, { kind: 'folder' })));
}
let described = 0;
archive.events.listen((event) => {
  if (event.kind !== 'described' || ++described < 3) return;
  writeSync(1, 'standing still');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
await archive.series.settle();
