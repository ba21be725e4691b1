/** Puts finished tasks into the spool in `argv[2]` and tells of each when it is durable, until it is killed. */
import { SpoolDirectory } from './spool-directory.ts';
import { finishedTask } from './spooled-task.fixture.ts';

const spool = await SpoolDirectory.open(process.argv[2]!);
for (let round = (await spool.list()).length + 1; ; round++) {
  await spool.put(finishedTask(round));
  process.send!(round);
}
