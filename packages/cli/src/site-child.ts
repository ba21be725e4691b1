/** A site's service as a child of this process: started again whenever it ends, until it is disposed of. */
import { type ChildProcess, fork } from 'node:child_process';

const restartMs = 300;
const graceMs = 15_000;

export class SiteChild implements AsyncDisposable {
  readonly #directory: string;
  #process: ChildProcess;
  #restart: NodeJS.Timeout | undefined;
  #isStopping = false;
  #isLost = false;

  /** `directory`: of the site, with its `site.yaml` and identity. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#process = this.#start();
  }

  /** Resolves when it has ended, and with it its worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
  }

  /** Ends at once, as in a power cut, and stays away. */
  lose(): void {
    this.#isLost = true;
    clearTimeout(this.#restart);
    this.#process.kill('SIGKILL');
  }

  /** After `lose`. */
  bringBack(): void {
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#again();
  }

  #again(): void {
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => {
      const { exitCode, signalCode } = this.#process;
      const hasEnded = exitCode !== null || signalCode !== null;
      if (hasEnded) this.#process = this.#start();
    }, restartMs);
  }

  #start(): ChildProcess {
    const started = fork(new URL(import.meta.resolve('@consilium/site/service')), [this.#directory], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    started.once('exit', () => {
      if (!this.#isStopping && !this.#isLost) this.#again();
    });
    return started;
  }
}
