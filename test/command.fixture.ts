/** The `consilium` command as a person or a service manager runs it: a process, its output, its exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const main = resolve(import.meta.dirname, '../packages/cli/src/main.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandProcess {
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #isOver = false;

  /** `ownGroup`: it and its children can be killed together, and outlive whoever forgets to. */
  constructor(
    args: readonly string[],
    { cwd, env = {}, ownGroup = false }: { cwd: string; env?: NodeJS.ProcessEnv; ownGroup?: boolean },
  ) {
    this.#process = spawn(
      process.execPath,
      ['--conditions=consilium-source', '--disable-warning=ExperimentalWarning', main, ...args],
      { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: ownGroup },
    );
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#tell();
    });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#tell();
    });
    this.ended = new Promise((done) => {
      this.#process.once('close', (code) => {
        this.#isOver = true;
        this.#tell();
        done({ code, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The lines of JSON that it has written so far. */
  get lines(): readonly Record<string, unknown>[] {
    return this.#stdout
      .slice(0, this.#stdout.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  }

  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.#process.kill(signal);
    return this.ended;
  }

  /** With its children, if it has a group of its own. */
  killGroup(signal: NodeJS.Signals): Promise<Ended> {
    if (!this.#isOver) process.kill(-this.pid, signal);
    return this.ended;
  }

  /** Resolves with what `find` finds in its output, as soon as it does. Rejects if the process ends before. */
  async until<T>(find: (process: this) => T | undefined | false): Promise<T> {
    for (;;) {
      const found = find(this);
      if (found !== undefined && found !== false) return found;
      if (this.#isOver) throw new Error(`It ended.\n${this.#stdout}\n${this.#stderr}`);
      await new Promise<void>((next) => this.#waiting.add(next));
    }
  }

  #tell(): void {
    for (const next of this.#waiting) next();
    this.#waiting.clear();
  }
}
