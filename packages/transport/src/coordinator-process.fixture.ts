/** Starts `coordinator.fixture.ts` and ends it, for tests. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { FixtureReport, FixtureSettings } from './coordinator.fixture.ts';

export class CoordinatorProcess implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(settings: FixtureSettings): Promise<CoordinatorProcess> {
    const process = fork(new URL('./coordinator.fixture.ts', import.meta.url), [JSON.stringify(settings)], {
      execArgv: ['--conditions=consilium-source'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [report] = (await once(process, 'message')) as [FixtureReport];
    return new CoordinatorProcess(process, report.port);
  }

  async report(): Promise<FixtureReport> {
    this.#process.send('report');
    const [report] = (await once(this.#process, 'message')) as [FixtureReport];
    return report;
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
