/** `consilium preflight`: whether a site can do its work, before it has to; for each thing that is wrong, what to do. */
import { join, resolve } from 'node:path';
import { readSiteSettings } from '@consilium/site';
import { IdentityDirectory } from '@consilium/transport';
import type { Command } from 'commander';
import { type AnswerOptions, jsonOption } from './answer.ts';
import { siteOverrides } from './environment-settings.ts';
import { ExitCode } from './exit-code.ts';
import { stopOnInterrupt } from './interruption.ts';
import { machineChecks } from './machine-checks.ts';
import { networkChecks } from './network-checks.ts';
import { type NamedResult, resultOf, resultText } from './preflight-check.ts';

export function addPreflightCommand(program: Command): void {
  program
    .command('preflight')
    .description('Check a site: network, certificate, clock, disk, memory, data, and a real transfer both ways.')
    .requiredOption('--directory <dir>', 'as made by "consilium site join"')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Ends with 0 if nothing stands in the way, with 7 otherwise. May be run while the site runs.

Examples:
  consilium preflight --directory /srv/site
  consilium preflight --directory /srv/site --json`,
    )
    .action(preflight);
}

async function preflight({ directory: given, json }: AnswerOptions & { readonly directory: string }): Promise<void> {
  const directory = resolve(given);
  const signal = stopOnInterrupt('');
  const settings = await readSiteSettings(directory, siteOverrides(process.env));
  const identity = () => IdentityDirectory.open(join(directory, 'identity'));
  const checks = [
    ...networkChecks({ settings, identity, signal }),
    ...machineChecks({ directory, settings, identity }),
  ];
  const results: NamedResult[] = [];
  for (const check of checks) {
    const result = await resultOf(check);
    signal.throwIfAborted();
    results.push(result);
    if (!json) process.stdout.write(`${resultText(result)}\n`);
  }
  const failed = results.filter(({ state }) => state === 'failed').length;
  const warnings = results.filter(({ state }) => state === 'warning').length;
  if (json) process.stdout.write(`${JSON.stringify({ ok: failed === 0, checks: results })}\n`);
  else process.stdout.write(`\n${verdict(failed, warnings)}\n`);
  if (failed > 0) process.exitCode = ExitCode.checkFailed;
}

function verdict(failed: number, warnings: number): string {
  const rest = warnings === 0 ? '' : ` ${warnings} warning${warnings === 1 ? '' : 's'}.`;
  return failed === 0 ? `This site can take part.${rest}` : `${failed} of the checks failed: see above.${rest}`;
}
