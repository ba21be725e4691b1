/** Takes studies into the archive in `argv[2]`, several at once, and tells of each instance when it is acknowledged, until it is killed. */
import { openToyArchive, toySeries } from './toy-archive.fixture.ts';

const archive = await openToyArchive(process.argv[2]!);
const first = Number(process.argv[3]);
for (let patient = first; ; patient++) {
  const files = toySeries({ patient: `P${patient}`, seed: patient });
  await Promise.all(
    files.map(async (bytes) => {
      const admission = await archive.door.admit(bytes, { kind: 'folder' });
      if (admission.kind === 'stored') process.send!(admission.sopInstanceUid);
    }),
  );
}
