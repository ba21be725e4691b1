/**
 * A hospital's firewall, made with Linux's own: a site in a network namespace that may open connections to one port of
 * one address and do nothing else, and a network between the two that goes away for half a minute.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const hasTool = (name: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const missing = [
  ...(process.platform === 'linux' ? [] : ['Linux']),
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...['ip', 'nft'].filter((name) => !hasTool(name)),
];
if (missing.length > 0) console.log(`Skipped: network namespaces need ${missing.join(', ')}.`);
const isCi = process.env['CI'] !== undefined;

const [hub, hospital] = ['consilium-hub', 'consilium-hospital'];
const address = '10.77.0.1';
const root = mkdtempSync(join(tmpdir(), 'consilium-namespaces-'));
const children = new Set<ChildProcess>();
const run = (command: string): string => execFileSync('sh', ['-c', command], { encoding: 'utf8' });
const inside = (namespace: string, command: string): string => run(`ip netns exec ${namespace} ${command}`);

/**
 * Outbound: TCP to one port of the coordinator. Inbound: answers only. What is refused is counted, but for what Linux
 * itself says on any link that comes up (ICMPv6, multicast).
 */
const firewall = `
table inet hospital {
  chain leaving {
    type filter hook output priority 0; policy drop;
    oif lo accept
    ip daddr ${address} tcp dport 443 accept
    meta l4proto { icmpv6, igmp } drop
    counter comment "refused"
  }
  chain arriving {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established accept
    meta l4proto { icmpv6, igmp } drop
    counter comment "refused"
  }
}`;
const refusedPackets = (): number[] =>
  [...inside(hospital, 'nft list table inet hospital').matchAll(/packets (\d+) bytes/g)].map(([, count]) =>
    Number(count),
  );

function start(namespace: string, program: string, args: readonly string[]): ChildProcess {
  const node = [process.execPath, '--conditions=consilium-source', program, ...args];
  const child = spawn('ip', ['netns', 'exec', namespace, ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  return child;
}

const fixture = resolve(import.meta.dirname, 'namespace-project.fixture.ts');
const service = fileURLToPath(import.meta.resolve('@consilium/site/service'));

interface Line {
  readonly kind: string;
  readonly round?: number;
  readonly state?: string;
  readonly weights?: readonly string[];
}

/** Runs the job in a directory of its own; `watch` sees each event as it comes. */
async function project(name: string, watch: (line: Line) => void = () => {}): Promise<Line> {
  const directory = join(root, name);
  const coordinator = start(hub, fixture, [directory, address]);
  let site: ChildProcess | undefined;
  let outcome: Line | undefined;
  for await (const text of createInterface({ input: coordinator.stdout! })) {
    const line = JSON.parse(text) as Line;
    if (line.kind === 'ready') site = start(hospital, service, [join(directory, 'site')]);
    if (line.kind === 'outcome') outcome = line;
    watch(line);
  }
  const ended = new Promise((end) => site!.once('exit', end));
  site!.kill('SIGTERM');
  await ended;
  return outcome!;
}

describe.skipIf(missing.length > 0 && !isCi)('a site behind a firewall', () => {
  beforeAll(() => {
    for (const namespace of [hub, hospital]) run(`ip netns add ${namespace}`);
    run(`ip link add to-hospital netns ${hub} type veth peer name to-hub netns ${hospital}`);
    for (const [namespace, link, own] of [
      [hub, 'to-hospital', address],
      [hospital, 'to-hub', '10.77.0.2'],
    ] as const) {
      inside(namespace, `ip addr add ${own}/24 dev ${link}`);
      inside(namespace, `ip link set ${link} up`);
      inside(namespace, 'ip link set lo up');
    }
    execFileSync('ip', ['netns', 'exec', hospital, 'nft', '-f', '-'], { input: firewall });
  });

  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    for (const namespace of [hub, hospital]) run(`ip netns del ${namespace} || true`);
    rmSync(root, { recursive: true, force: true });
  });

  it('trains through connections to one port that it opened itself, and through a partition of 30 s to the same bytes', async () => {
    const calm = await project('calm');
    expect(calm).toMatchObject({ state: 'completed', weights: { length: 6 } });
    expect(refusedPackets()).toEqual([0, 0]);

    let cutAtMs = 0;
    let healedAtMs = 0;
    let nextEventMs = 0;
    const stormy = await project('stormy', ({ kind, round }) => {
      if (healedAtMs > 0 && nextEventMs === 0) nextEventMs = performance.now();
      if (kind !== 'site-step' || round !== 3 || cutAtMs > 0) return;
      cutAtMs = performance.now();
      inside(hub, 'ip link set to-hospital down');
      setTimeout(() => {
        inside(hub, 'ip link set to-hospital up');
        healedAtMs = performance.now();
      }, 30_000);
    });
    expect(stormy.weights).toEqual(calm.weights);
    expect(healedAtMs - cutAtMs).toBeGreaterThan(29_000);
    // The longest wait between two attempts is half a minute.
    expect(nextEventMs - healedAtMs).toBeLessThan(40_000);
  }, 180_000);
});
