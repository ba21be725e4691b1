/** The child process that makes synthetic patients for `makePhantoms`: one study a message, answered 'done' or why not. */
import { leaveOutMaglev } from '@consilium/transport/compiler';
import { makePhantomStudy, type PhantomWork } from './phantom-command.ts';

leaveOutMaglev();
process.on('SIGINT', () => {}); // the parent decides when to stop
process.on('message', (work: PhantomWork) => {
  makePhantomStudy(work).then(
    () => process.send?.('done'),
    (error: unknown) => process.send?.(error instanceof Error ? error.message : String(error)),
  );
});
