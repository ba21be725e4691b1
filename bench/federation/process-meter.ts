/**
 * CPU time and peak memory of a deployment of many processes, read from /proc (Linux). A process belongs to it if its
 * environment carries the deployment's mark, which children inherit and orphans keep, or if its parent belongs to it.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** In a process's environment: which deployment it belongs to, and which part of it: `server` or a client's name. */
const markVariable = 'FEDERATION_BENCH_MARK';
const partVariable = 'FEDERATION_BENCH_PART';

interface Seen {
  readonly part: string;
  readonly parent: number;
  readonly startedAt: string;
  /** Its own, and that of its children which have ended and for which it has waited, seconds. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

export interface Reading {
  /** Since the deployment began, all its processes, user and system. */
  readonly cpuSeconds: number;
  /** The same for the part `server` alone. */
  readonly serverCpuSeconds: number;
  /** Sum of the peaks (`VmHWM`) of the processes alive now, by part. */
  readonly peakBytes: ReadonlyMap<string, number>;
  /** Peak of the largest process of the part `server`. */
  readonly largestServerBytes: number;
}

export class ProcessMeter {
  readonly #mark: string;
  readonly #ticksASecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  #seen = new Map<number, Seen>();
  /** CPU time of processes that ended and for which nobody in the deployment waited, by part. */
  readonly #ended = new Map<string, number>();

  constructor(mark: string) {
    this.#mark = mark;
  }

  environment(part: string): Record<string, string> {
    return { [markVariable]: this.#mark, [partVariable]: part };
  }

  read(): Reading {
    this.#look();
    let [cpuSeconds, serverCpuSeconds, largestServerBytes] = [0, 0, 0];
    const peakBytes = new Map<string, number>();
    const addCpu = (part: string, seconds: number): void => {
      cpuSeconds += seconds;
      if (part === 'server') serverCpuSeconds += seconds;
    };
    for (const [part, seconds] of this.#ended) addCpu(part, seconds);
    for (const process of this.#seen.values()) {
      addCpu(process.part, process.cpuSeconds);
      peakBytes.set(process.part, (peakBytes.get(process.part) ?? 0) + process.peakBytes);
      if (process.part === 'server') largestServerBytes = Math.max(largestServerBytes, process.peakBytes);
    }
    return { cpuSeconds, serverCpuSeconds, peakBytes, largestServerBytes };
  }

  /** Sends a signal to each process of the deployment; tells how many there were. */
  signal(signal: NodeJS.Signals): number {
    this.#look();
    for (const pid of this.#seen.keys()) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended in between.
      }
    }
    return this.#seen.size;
  }

  #look(): void {
    const stats = new Map(
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .flatMap((name) => {
          const stat = this.#statOf(Number(name));
          return stat === undefined ? [] : [[Number(name), stat] as const];
        }),
    );
    const members = new Map<number, Seen>();
    for (const [pid, stat] of stats) {
      const before = this.#seen.get(pid);
      const known = before?.startedAt === stat.startedAt ? before.part : this.#partOf(pid, stats);
      if (known !== undefined) {
        members.set(pid, { ...stat, part: known, peakBytes: peakBytesOf(pid) ?? before?.peakBytes ?? 0 });
      }
    }
    for (const [pid, gone] of this.#seen) {
      const waitedFor = members.has(gone.parent);
      if (members.get(pid)?.startedAt !== gone.startedAt && !waitedFor) {
        this.#ended.set(gone.part, (this.#ended.get(gone.part) ?? 0) + gone.cpuSeconds);
      }
    }
    this.#seen = members;
  }

  /** A process that has ended and waits to be reaped shows no environment any more, but has a parent. */
  #partOf(pid: number, stats: ReadonlyMap<number, { readonly parent: number }>): string | undefined {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = stats.get(at)?.parent) {
      const environment = textOf(`/proc/${at}/environ`)?.split('\0') ?? [];
      if (environment.includes(`${markVariable}=${this.#mark}`)) {
        return environment.find((line) => line.startsWith(`${partVariable}=`))?.slice(partVariable.length + 1);
      }
    }
    return undefined;
  }

  #statOf(pid: number): Omit<Seen, 'part' | 'peakBytes'> | undefined {
    const text = textOf(`/proc/${pid}/stat`);
    if (text === undefined) return undefined;
    // The second field is the command in brackets and may hold spaces; the third is field 0 here.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), startedAt: fields[19]!, cpuSeconds: ticks / this.#ticksASecond };
  }
}

function peakBytesOf(pid: number): number | undefined {
  const found = /VmHWM:\s+(\d+) kB/.exec(textOf(`/proc/${pid}/status`) ?? '');
  return found === null ? undefined : Number(found[1]) * 1024;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
