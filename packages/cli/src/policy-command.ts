/** `consilium policy`: try a hospital's policies on examples, before they decide about jobs. */
import { resolve } from 'node:path';
import { exampleFile, readSiteSettings, type TriedExample, tryExamples } from '@consilium/site';
import type { Command } from 'commander';
import { type AnswerOptions, answer, jsonOption, textTable } from './answer.ts';
import { siteOverrides } from './environment-settings.ts';
import { ExitCode } from './exit-code.ts';

interface TestOptions extends AnswerOptions {
  readonly directory: string;
  readonly examples?: string;
}

export function addPolicyCommand(program: Command): void {
  const group = program
    .command('policy')
    .description('What may run at a hospital.')
    .addHelpText('after', '\nExample:\n  consilium policy test --directory /srv/site');
  group
    .command('test')
    .description('Try a site’s policies on examples of requests, and say which policy decides each.')
    .requiredOption('--directory <dir>', 'as made by "consilium site join"')
    .option(
      '--examples <file>',
      'YAML: names, requests, and what is expected; those that come with Consilium if not given',
    )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Ends with 7 if an example is not decided as expected.

Examples:
  consilium policy test --directory /srv/site
  consilium policy test --directory /srv/site --examples /srv/site/policy/examples.yaml`,
    )
    .action(test);
}

async function test({ directory: given, examples, ...options }: TestOptions): Promise<void> {
  const directory = resolve(given);
  const settings = await readSiteSettings(directory, siteOverrides(process.env));
  const tried = await tryExamples(directory, settings, examples === undefined ? exampleFile : resolve(examples));
  const failed = tried.filter(({ ok }) => !ok).length;
  answer(options, { ok: failed === 0, examples: tried }, textOf(tried, failed));
  if (failed > 0) process.exitCode = ExitCode.checkFailed;
}

function textOf(tried: readonly TriedExample[], failed: number): string {
  const rows = tried.map(({ ok, name, expected, actual, policies }) => [
    ok ? 'ok' : 'NO',
    name,
    expected,
    actual,
    policies.join(', '),
  ]);
  const explained = tried
    .filter(({ explanation }) => explanation !== '')
    .flatMap(({ name, explanation, told }) => [
      '',
      `${name}:`,
      `  ${explanation}`,
      ...(told === explanation ? [] : [`  The coordinator is told: ${told}`]),
    ]);
  return [
    textTable([['', 'example', 'expected', 'actual', 'decided by'], ...rows]),
    ...explained,
    '',
    failed === 0 ? `All ${tried.length} are as expected.` : `${failed} of ${tried.length} are not as expected.`,
  ].join('\n');
}
