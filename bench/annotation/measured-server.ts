/** A server in processes of its own, of which is measured what a request costs: wall and CPU time, memory, bytes on the wire. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcessMeter } from '../federation/process-meter.ts';

export interface Cost {
  readonly wallSeconds: number;
  /** Of all its processes. */
  readonly cpuSeconds: number;
  /** Sum of the greatest resident sets of its processes so far. */
  readonly peakMb: number;
  /** Bodies, both ways. */
  readonly wireBytes: number;
}

const lookMs = 200;
const startMsMax = 300_000;

export class MeasuredServer implements AsyncDisposable {
  #wireBytes = 0;
  readonly #meter = new ProcessMeter(randomUUID());
  readonly #child: ChildProcess;

  constructor(command: string, args: readonly string[], { env, log }: { env: Record<string, string>; log: string }) {
    const file = openSync(log, 'w');
    this.#child = spawn(command, args, {
      env: { ...process.env, ...env, ...this.#meter.environment('server') },
      stdio: ['ignore', file, file],
    });
    closeSync(file);
  }

  /** Until `url` answers. */
  async up(url: string): Promise<void> {
    const until = performance.now() + startMsMax;
    while (
      !(await fetch(url).then(
        ({ status }) => status < 500,
        () => false,
      ))
    ) {
      if (this.#child.exitCode !== null || performance.now() > until) throw new Error(`${url} does not answer.`);
      await delay(lookMs);
    }
  }

  /** @throws if it is refused. */
  async ask(url: string, init: RequestInit = {}): Promise<Uint8Array> {
    const sent = new Request(url, init);
    const body = new Uint8Array(await sent.clone().arrayBuffer());
    const response = await fetch(sent);
    const bytes = new Uint8Array(await response.arrayBuffer());
    this.#wireBytes += body.length + bytes.length;
    if (!response.ok) throw new Error(`${url}: ${response.status} ${Buffer.from(bytes).toString().slice(0, 500)}`);
    return bytes;
  }

  async cost(work: () => Promise<unknown>): Promise<Cost> {
    const before = this.#meter.read().cpuSeconds;
    const wire = this.#wireBytes;
    const begin = performance.now();
    let peakBytes = 0;
    let isOver = false;
    const look = (): number => {
      const { cpuSeconds, peakBytes: peaks } = this.#meter.read();
      peakBytes = Math.max(peakBytes, peaks.get('server') ?? 0);
      return cpuSeconds;
    };
    const looking = (async () => {
      while (!isOver) {
        look();
        await delay(lookMs);
      }
    })();
    try {
      await work();
    } finally {
      isOver = true;
    }
    const wallSeconds = (performance.now() - begin) / 1000;
    const cpuSeconds = look() - before;
    await looking;
    return { wallSeconds, cpuSeconds, peakMb: peakBytes / 2 ** 20, wireBytes: this.#wireBytes - wire };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((done) => this.#child.once('exit', done));
    if (this.#child.exitCode !== null) return;
    this.#meter.signal('SIGTERM');
    await Promise.race([gone, delay(10_000)]);
    this.#meter.signal('SIGKILL');
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
