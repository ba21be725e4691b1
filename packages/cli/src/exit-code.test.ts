import { readFileSync } from 'node:fs';
import { Refusal, TransportError } from '@consilium/transport';
import { describe, expect, it } from 'vitest';
import { CliError } from './cli-error.ts';
import { ExitCode, exitCodeOf } from './exit-code.ts';

describe('exit codes', () => {
  it('are each explained in docs/exit-codes.md, and no others', () => {
    const page = readFileSync(new URL('../../../docs/exit-codes.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/^## (\d+)\b/gm)].map((match) => Number(match[1]));
    expect(documented).toEqual(Object.values(ExitCode));
  });

  it('say of an error whether the network, the project or the request stood in the way', () => {
    expect(exitCodeOf(new TransportError('transport.connection-refused', ''))).toBe(ExitCode.unreachable);
    expect(exitCodeOf(new TransportError('transport.disk-full', ''))).toBe(ExitCode.refused);
    expect(exitCodeOf(new Refusal(403, 'transport.certificate-revoked', ''))).toBe(ExitCode.notAdmitted);
    expect(exitCodeOf(new Refusal(409, 'federation.job-changed', ''))).toBe(ExitCode.refused);
    expect(exitCodeOf(new CliError('cli.job-failed', ''))).toBe(ExitCode.jobFailed);
    expect(exitCodeOf(new CliError('cli.interrupted', ''))).toBe(ExitCode.interrupted);
  });

  it('call what nobody foresaw unexpected, whatever code Node gave it', () => {
    expect(exitCodeOf(new TypeError('x is not a function'))).toBe(ExitCode.unexpected);
    expect(exitCodeOf(Object.assign(new Error('no such file'), { code: 'ENOENT' }))).toBe(ExitCode.unexpected);
    expect(exitCodeOf('thrown text')).toBe(ExitCode.unexpected);
  });
});
