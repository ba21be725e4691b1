/** Takes in the folder in `argv[3]` into the archive in `argv[2]` and tells how far it is, until it is killed. */
import { openToyArchive } from '../toy-archive.fixture.ts';

const archive = await openToyArchive(process.argv[2]!);
archive.events.listen((event) => event.kind === 'import' && process.send!(event.done));
await archive.intake.importFolder(process.argv[3]!);
