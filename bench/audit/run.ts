/** How fast a log is written, checked and proved, on this machine's disk: `node --conditions=consilium-source bench/audit/run.ts`. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, AuditReader, verifyAudit } from '@consilium/audit';

const directory = mkdtempSync(join(tmpdir(), 'consilium-audit-bench-'));
const service = { kind: 'service', id: 'bench' } as const;
const entryOf = (number: number) => ({
  ...{ actor: { kind: 'member', id: 'berta' } as const, action: 'job.submitted' as const, outcome: 'allowed' as const },
  subjects: [
    { kind: 'job' as const, id: `job-${number}` },
    { kind: 'digest' as const, id: `sha256:${'0f'.repeat(32)}` },
  ],
});

async function timed(what: string, count: number, act: () => unknown): Promise<void> {
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  await act();
  const ms = performance.now() - startMs;
  const { system, user } = process.cpuUsage(startCpu);
  const cpuUs = (user + system) / count;
  console.log(`${what.padEnd(34)} ${Math.round((count / ms) * 1000)} a second, ${cpuUs.toFixed(1)} µs of CPU each`);
}

try {
  using log = await AuditLog.open(join(directory, 'audit'), { nowMs: Date.now, service });
  await timed('one after the other', 300, async () => {
    for (let number = 0; number < 300; number++) await log.record(entryOf(number));
  });
  for (const together of [10, 100, 1000]) {
    const rounds = Math.max(10, Math.round(5000 / together));
    await timed(`${together} at a time`, rounds * together, async () => {
      for (let round = 0; round < rounds; round++) {
        await Promise.all(Array.from({ length: together }, (_, number) => log.record(entryOf(number))));
      }
    });
  }
  const size = 100_000;
  while (log.head.size < size) {
    await Promise.all(Array.from({ length: Math.min(1000, size - log.head.size) }, (_, n) => log.record(entryOf(n))));
  }
  const { entries, problems } = verifyAudit(join(directory, 'audit'));
  console.log(
    `${entries} entries, ${problems.length} problems, resident ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  );
  await timed('checked', size, () => verifyAudit(join(directory, 'audit')));
  using reader = AuditReader.open(join(directory, 'audit'));
  await timed('proofs of an entry', 1000, () => {
    for (let number = 0; number < 1000; number++) reader.prove((number * 97) % size);
  });
  await timed('proofs of growth', 1000, () => {
    for (let number = 1; number <= 1000; number++) log.consistencyPath(number * 97, size);
  });
  const bytes =
    statSync(join(directory, 'audit/log.sqlite')).size + statSync(join(directory, 'audit/log.sqlite-wal')).size;
  console.log(`${Math.round(bytes / size)} bytes an entry`);
} finally {
  rmSync(directory, { recursive: true });
}
