/** The one worker of a desk, made when there is something to do. */
import type { FindingWork, LabelWork, LabelWorkDone, OperationWork } from './label-worker.ts';

export class WorkBench {
  #worker: Worker | undefined;
  #number = 0;

  /** @returns the mask that the work comes to. */
  work(asked: OperationWork | FindingWork): Promise<Uint8Array> {
    this.#worker ??= new Worker(new URL('./label-worker.ts', import.meta.url), { type: 'module' });
    const worker = this.#worker;
    const work: LabelWork = { number: ++this.#number, ...asked };
    return new Promise((resolve, reject) => {
      const answer = ({ data }: MessageEvent<LabelWorkDone>) => {
        if (data.number !== work.number) return;
        worker.removeEventListener('message', answer);
        if (data.mask === undefined) reject(new Error('the operation failed'));
        else resolve(data.mask);
      };
      worker.addEventListener('message', answer);
      worker.onerror = () => reject(new Error('the worker failed'));
      worker.postMessage(work);
    });
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}
