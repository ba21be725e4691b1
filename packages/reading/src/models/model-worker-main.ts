/** The process in which models compute: one task after the other, until it is ended. */
import { performTask } from './model-computation.ts';
import type { AskMessage, WorkerMessage } from './model-tasks.ts';

let before: Promise<void> = Promise.resolve();
const say = (message: WorkerMessage) => process.send!(message);

process.on('message', ({ number, task }: AskMessage) => {
  before = before.then(async () => {
    try {
      const answer = await performTask(task, (done, total) => say({ number, kind: 'progress', done, total }));
      say({ number, kind: 'answer', answer });
    } catch (error) {
      const { code = 'reading.failed', message, stack = '' } = error as Error & { code?: string };
      say({ number, kind: 'failure', code, message, detail: stack });
    }
  });
});
// Whom it works for is gone.
process.on('disconnect', () => process.exit());
