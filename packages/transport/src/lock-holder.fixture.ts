/** Takes the directory in `argv[2]`, says so, and keeps it until it is killed. */
import { DirectoryLock } from './directory-lock.ts';

const lock = await DirectoryLock.take(process.argv[2]!);
process.send!('taken');
process.on('disconnect', () => lock[Symbol.dispose]());
