/** What the systems of the bench have in common: the interface, and a directory full of running processes to measure. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessMeter, type Reading } from './process-meter.ts';
import type { Workload } from './workload.ts';

export interface Round {
  readonly wallSeconds: number;
  /** All processes, user and system. */
  readonly cpuSeconds: number;
  readonly serverCpuSeconds: number;
  /** Sum over the server's processes at the end of the round. */
  readonly serverPeakBytes: number;
  readonly largestServerBytes: number;
  /** Sum over a client's processes; the median of the clients. */
  readonly clientPeakBytes: number;
}

export interface System {
  readonly name: string;
  /** Deploys, runs the rounds, takes everything down again. */
  run(workload: Workload): Promise<readonly Round[]>;
}

/** A line a server writes when a round begins: the last one ends there. `value` is an element of the model by then, or null. */
export interface Mark {
  readonly seconds: number;
  readonly value: number | null;
}

const startLimitMs = 300_000;
const roundLimitMs = 600_000;
const lookMs = 250;

export class Deployment implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'consilium-bench-'));
  /** Where the server writes a line of JSON, a Mark, at the beginning of each round and at the end of the last. */
  readonly marks = join(this.directory, 'marks');
  readonly #meter = new ProcessMeter(randomUUID());
  readonly #children: ChildProcess[] = [];

  /** Starts a measured process of the part `server`, or of a client. Its output goes to `<name>.log`. */
  start(
    part: string,
    command: string,
    args: readonly string[],
    options: { name?: string; env?: Record<string, string> } = {},
  ): ChildProcess {
    const log = openSync(join(this.directory, `${options.name ?? part}.log`), 'a');
    const settings: SpawnOptions = {
      cwd: this.directory,
      env: { ...process.env, ...options.env, ...this.#meter.environment(part) },
      stdio: ['ignore', log, log],
      detached: true,
    };
    const child = spawn(command, args, settings);
    closeSync(log);
    child.on('error', (error) => {
      console.error(`cannot start ${command}: ${error.message}`);
      process.exit(1);
    });
    this.#children.push(child);
    return child;
  }

  /** Runs what an operator would type, outside the measurement. Throws with its output if it fails. */
  async operate(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
    const child = spawn(command, args, {
      cwd: this.directory,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text;
    });
    child.stderr.on('data', (text: Buffer) => {
      output += text;
    });
    const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`);
  }

  /** Waits until the log of a part holds a text so many times. */
  async logged(name: string, text: string, times = 1): Promise<void> {
    const path = join(this.directory, `${name}.log`);
    const deadline = Date.now() + startLimitMs;
    while (!existsSync(path) || readFileSync(path, 'utf8').split(text).length <= times) {
      if (Date.now() > deadline) throw new Error(`"${text}" did not appear in ${path}`);
      await sleep(100);
    }
  }

  /**
   * Follows the marks through one round to warm up, the measured ones, and `after` that are not measured either.
   * @throws if a round did not add exactly 1
   */
  async rounds(count: number, after = 0): Promise<readonly Round[]> {
    const marks: Mark[] = [];
    const readings: Reading[] = [];
    let deadline = Date.now() + startLimitMs;
    let nextLook = 0;
    while (marks.length < count + 2 + after) {
      const lines = existsSync(this.marks) ? readFileSync(this.marks, 'utf8').split('\n').slice(0, -1) : [];
      const fresh = lines.slice(marks.length);
      // Between marks too, though seldom: a process that ends unwaited for counts with what was last seen of it.
      if (fresh.length > 0 || Date.now() > nextLook) {
        const reading = this.#meter.read();
        nextLook = Date.now() + lookMs;
        for (const line of fresh) {
          marks.push(JSON.parse(line) as Mark);
          readings.push(reading);
          deadline = Date.now() + roundLimitMs;
        }
      }
      if (Date.now() > deadline) throw new Error(`no round ended in time; the logs are in ${this.directory}`);
      await sleep(5);
    }
    for (const [index, { value }] of marks.entries()) {
      if (value !== null && Math.abs(value - index) > 1e-3)
        throw new Error(`after ${index} rounds the model holds ${value}`);
    }
    return Array.from({ length: count }, (_, index) => {
      const [before, after] = [readings[index + 1]!, readings[index + 2]!];
      const clients = [...after.peakBytes].filter(([part]) => part !== 'server').map(([, bytes]) => bytes);
      return {
        wallSeconds: marks[index + 2]!.seconds - marks[index + 1]!.seconds,
        cpuSeconds: after.cpuSeconds - before.cpuSeconds,
        serverCpuSeconds: after.serverCpuSeconds - before.serverCpuSeconds,
        serverPeakBytes: after.peakBytes.get('server') ?? 0,
        largestServerBytes: after.largestServerBytes,
        clientPeakBytes: median(clients),
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#meter.signal('SIGTERM');
    for (let waits = 0; waits < 30 && this.#meter.signal('SIGTERM') > 0; waits++) await sleep(100);
    while (this.#meter.signal('SIGKILL') > 0) await sleep(50);
    if (process.env['FEDERATION_BENCH_KEEP'] === undefined) rmSync(this.directory, { recursive: true, force: true });
    else console.error(`kept ${this.directory}`);
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A TCP port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}
