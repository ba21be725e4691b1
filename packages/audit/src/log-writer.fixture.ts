/** Writes to a log for as long as it lives, and says of each entry that it is there: `log-writer.fixture <directory>`. */
import { writeSync } from 'node:fs';
import { AuditLog } from './audit-log.ts';

const service = { kind: 'service', id: 'writer' } as const;
const log = await AuditLog.open(process.argv[2]!, { nowMs: () => 1_700_000_000_000, service });
for (let round = 0; ; round++) {
  const numbers = await Promise.all(
    Array.from({ length: 1 + (round % 7) }, (_, index) =>
      log[round % 2 === 0 ? 'record' : 'note']({
        ...{ actor: service, action: 'job.submitted', outcome: 'allowed' },
        subjects: [{ kind: 'job', id: `job-${round}-${index}` }],
      }),
    ),
  );
  writeSync(1, numbers.map((number) => `${number}\n`).join(''));
}
