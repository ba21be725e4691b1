/**
 * Takes in the folder in `argv[3]` into the archive in `argv[2]`; stands still when `argv[4]` files are done, says so, and
 * waits to be killed.
 */
import { writeSync } from 'node:fs';
import { openToyArchive } from '../toy-archive.fixture.ts';

const archive = await openToyArchive(process.argv[2]!);
archive.events.listen((event) => {
  if (event.kind !== 'import' || event.done < Number(process.argv[4])) return;
  writeSync(1, 'standing still');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
await archive.intake.importFolder(process.argv[3]!);
