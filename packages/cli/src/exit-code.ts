/** How the command ends, as a number for scripts. `docs/exit-codes.md` has a section for each. */

export const ExitCode = {
  ok: 0,
  /** An error that no one foresaw. */
  unexpected: 1,
  /** Wrong usage, or something that was refused. */
  refused: 2,
  jobFailed: 3,
  jobAborted: 4,
  unreachable: 5,
  notAdmitted: 6,
  /** `preflight` found something that stands in the way. */
  checkFailed: 7,
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const unreachable: ReadonlySet<string> = new Set([
  'transport.unknown-host',
  'transport.connection-refused',
  'transport.unreachable',
  'transport.proxy-unreachable',
  'transport.proxy-authentication',
  'transport.proxy-forbidden',
  'transport.proxy-failed',
  'transport.authority-unknown',
  'transport.host-mismatch',
  'transport.server-certificate-expired',
  'transport.not-a-coordinator',
  'transport.no-tls',
  'transport.connection-lost',
  'transport.line-ended',
  'transport.silent',
  'transport.answer-malformed',
  'transport.other-side-failed',
]);
const notAdmitted: ReadonlySet<string> = new Set([
  'transport.not-joined',
  'transport.certificate-wanted',
  'transport.certificate-foreign',
  'transport.certificate-expired',
  'transport.certificate-not-yet-valid',
  'transport.certificate-revoked',
  'coordinator.member-revoked',
  'coordinator.not-allowed',
  'coordinator.token-unknown',
  'coordinator.token-used',
]);
const ownCodes: Readonly<Record<string, ExitCode>> = {
  'cli.job-failed': ExitCode.jobFailed,
  'cli.job-aborted': ExitCode.jobAborted,
  'cli.interrupted': ExitCode.interrupted,
};

export function exitCodeOf(error: unknown): ExitCode {
  const code = codeOf(error);
  if (code === undefined) return ExitCode.unexpected;
  if (unreachable.has(code)) return ExitCode.unreachable;
  if (notAdmitted.has(code)) return ExitCode.notAdmitted;
  return ownCodes[code] ?? ExitCode.refused;
}

/** Of errors of our own packages, which have a page in `docs/errors`. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error instanceof Error ? error : {}) as { code?: unknown };
  return typeof code === 'string' && /^[a-z]+\.[a-z0-9-]+$/.test(code) && !code.startsWith('commander.')
    ? code
    : undefined;
}
