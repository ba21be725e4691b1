#!/usr/bin/env node
/** The `consilium` command: what can be asked for, and how it ends. Each group of commands is a file of its own. */
import { styleText } from 'node:util';
import { leaveOutMaglev } from '@consilium/transport/compiler';
import { Command, CommanderError } from 'commander';
import { codeOf, ExitCode, exitCodeOf } from './exit-code.ts';
import { consiliumVersion } from './version.ts';

leaveOutMaglev();

/** Each is loaded when it is asked for, or when help about all is. */
const groups = {
  rehearse: async () => (await import('./rehearse-command.ts')).addRehearseCommand,
  phantom: async () => (await import('./phantom-command.ts')).addPhantomCommand,
  coordinator: async () => (await import('./coordinator-command.ts')).addCoordinatorCommand,
  member: async () => (await import('./member-command.ts')).addMemberCommand,
  site: async () => (await import('./site-command.ts')).addSiteCommand,
  archive: async () => (await import('./archive-command.ts')).addArchiveCommand,
  people: async () => (await import('./people-command.ts')).addPeopleCommand,
  reading: async () => (await import('./reading-command.ts')).addReadingCommand,
  policy: async () => (await import('./policy-command.ts')).addPolicyCommand,
  audit: async () => (await import('./audit-command.ts')).addAuditCommand,
  preflight: async () => (await import('./preflight-command.ts')).addPreflightCommand,
  job: async () => (await import('./job-command.ts')).addJobCommand,
  report: async () => (await import('./report-command.ts')).addReportCommand,
  experiment: async () => (await import('./experiment-command.ts')).addExperimentCommand,
  predict: async () => (await import('./predict-command.ts')).addPredictCommand,
  publish: async () => (await import('./publish-command.ts')).addPublishCommand,
} as const satisfies Readonly<Record<string, () => Promise<(program: Command) => void>>>;

const program = new Command('consilium')
  .description('Train one segmentation model at several hospitals without an image leaving any of them.')
  .version(consiliumVersion)
  .showHelpAfterError('(add --help for the options)')
  .addHelpText(
    'after',
    `
Examples:
  consilium rehearse                                   everything on this machine, with synthetic patients
  consilium coordinator init --help                    a project between hospitals: docs/guides
  consilium site join INVITATION --directory D --data PATH`,
  )
  .exitOverride();
const asked = Object.entries(groups).filter(([name]) => name === process.argv[2]);
for (const [, load] of asked.length > 0 ? asked : Object.entries(groups)) (await load())(program);

// Whoever reads may stop, as `head` does. A service goes on without a reader.
process.stdout.on('error', () => {
  if (process.argv[3] !== 'start') process.exit(ExitCode.ok);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said itself what is wrong, or has shown the help that was asked for.
    process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.refused;
  } else {
    const code = codeOf(error);
    const text =
      code === undefined ? String((error as Error)?.stack ?? error) : `${(error as Error).message}\n(${code})`;
    process.exitCode = exitCodeOf(error);
    if (process.exitCode !== ExitCode.interrupted) process.stderr.write(`${styleText('red', text)}\n`);
  }
}
