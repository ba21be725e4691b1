/** `consilium audit`: look at what a coordinator, a site or an archive has written down, and have it checked. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type AuditEntry,
  AuditReader,
  type AuditReport,
  auditActions,
  headsKeptOf,
  readHead,
  verifyAudit,
  verifyExport,
  verifyProof,
} from '@consilium/audit';
import { writeDurably } from '@consilium/transport';
import { type Command, Option } from 'commander';
import { type AnswerOptions, answer, jsonOption, textTable } from './answer.ts';
import { CliError } from './cli-error.ts';
import { ExitCode } from './exit-code.ts';
import { wholeNumber } from './number-option.ts';

interface DirectoryOptions extends AnswerOptions {
  readonly directory: string;
}

interface VerifyOptions extends AnswerOptions {
  readonly directory?: string;
  readonly against?: readonly string[];
  readonly proof?: string;
  readonly export?: string;
  readonly key?: string;
}

const directoryOption = ['--directory <dir>', 'of a coordinator, a site or an archive; it may run meanwhile'] as const;

export function addAuditCommand(program: Command): void {
  const group = program
    .command('audit')
    .description('Who did what: look at the logs of a coordinator, a site or an archive, and have them checked.')
    .addHelpText('after', '\nExample:\n  consilium audit verify --directory /srv/kidney');
  group
    .command('verify')
    .description('Compute everything anew and compare it. Exit code 0 if all agrees, 7 if not.')
    .option(...directoryOption)
    .option('--against <path...>', 'with --directory: others who keep heads of this log, directories or head.json')
    .option('--proof <file>', 'instead: a proof of one entry, made by "audit prove"')
    .option('--export <dir>', 'instead: what "audit export" has written')
    .option('--key <file>', 'with --proof or --export: the public key of the log, from whom you trust')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  consilium audit verify --directory /srv/site --against /mnt/coordinator
  consilium audit verify --proof proof.json --key public.pem`,
    )
    .action(verify);
  group
    .command('show')
    .description('Show the newest entries, or the signed head.')
    .requiredOption(...directoryOption)
    .option('--last <n>', 'how many', wholeNumber(1, 1_000_000), 20)
    .addOption(new Option('--action <action>', 'only these').choices(Object.keys(auditActions)))
    .option('--about <name>', 'only those that name this job, site, member, pseudonym or key')
    .option('--head', 'the signed head alone, to be kept elsewhere')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium audit show --directory /srv/kidney --about mainz')
    .action(show);
  group
    .command('prove')
    .description('Write a proof of one entry, which can be checked with nothing but the public key.')
    .requiredOption(...directoryOption)
    .requiredOption('--entry <n>', 'its number', wholeNumber(0, 2 ** 31))
    .requiredOption('--out <file>', 'where to write it')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium audit prove --directory /srv/kidney --entry 42 --out proof.json')
    .action(prove);
  group
    .command('export')
    .description('Write all entries, the signed head and the public key to a new directory.')
    .requiredOption(...directoryOption)
    .requiredOption('--out <dir>', 'a directory that does not exist')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium audit export --directory /srv/kidney --out kidney-audit')
    .action(exportAll);
}

async function verify(options: VerifyOptions): Promise<void> {
  const asked = [options.directory, options.proof, options.export].filter((one) => one !== undefined);
  if (asked.length !== 1) {
    throw new CliError('cli.bad-option', 'Name one of --directory, --proof and --export.');
  }
  if (options.directory !== undefined) {
    verifyDirectory(options.directory, options);
    return;
  }
  if (options.key === undefined) {
    throw new CliError(
      'cli.bad-option',
      'Name the public key of the log with --key: one in the same place proves nothing.',
    );
  }
  const key = readText(options.key);
  if (options.proof !== undefined) {
    const { entry, isProved } = verifyProof(readText(options.proof), key);
    const told = isProved ? 'The log with this key has this entry:' : 'NOT PROVED: no log with this key has said so.';
    return finish(options, isProved, { isProved, entry }, `${told}\n\n${textTable([rowOf(entry)])}`);
  }
  const { entries, isWhole } = await verifyExport(resolve(options.export!), key);
  const told = isWhole
    ? `All ${entries} entries are those of the log with this key.`
    : 'NOT THE LOG: entries or head are not what the log with this key has signed.';
  finish(options, isWhole, { isWhole, entries }, told);
}

function verifyDirectory(directory: string, { against = [], ...options }: VerifyOptions): void {
  const own = auditOf(directory);
  const heads = against.flatMap((path) =>
    existsSync(join(path, 'audit')) ? headsKeptOf(join(own, 'public.pem'), auditOf(path)) : [readHead(readText(path))],
  );
  const report = verifyAudit(own, heads);
  finish(options, report.problems.length === 0, report, reportText(report));
}

function reportText({ compared, entries, head, problems, witnessed }: AuditReport): string {
  const first = `${entries} entries, ${head === null ? 'no head' : `root ${head.root}, signed ${head.time}`}`;
  const others = witnessed.map(({ origin, size, time }) => `keeps ${origin} at ${size} entries, since ${time}`);
  const last =
    problems.length === 0
      ? [
          `all agrees: entries, tree, heads, what is kept of others${compared > 0 ? `; ${compared} heads kept elsewhere` : ''}`,
        ]
      : problems.map(({ code, where }) => `PROBLEM  ${code}  ${where}`);
  return [first, ...others, ...last].join('\n');
}

function show(
  options: DirectoryOptions & {
    readonly last: number;
    readonly action?: string;
    readonly about?: string;
    readonly head?: true;
  },
): void {
  using reader = AuditReader.open(auditOf(options.directory));
  if (options.head === true) {
    answer(options, reader.head, JSON.stringify(reader.head, null, 2));
    return;
  }
  const { about, action, last } = options;
  const entries = reader.entries({ about, action, last });
  answer(options, { entries }, textTable(entries.map(rowOf)));
}

async function prove(options: DirectoryOptions & { readonly entry: number; readonly out: string }): Promise<void> {
  using reader = AuditReader.open(auditOf(options.directory));
  const proof = reader.prove(options.entry);
  const out = resolve(options.out);
  await writeDurably(out, `${JSON.stringify(proof)}\n`);
  answer(
    options,
    { out, proof },
    `${out} proves entry ${options.entry}. Whoever is to check it needs ${join(auditOf(options.directory), 'public.pem')} too.`,
  );
}

function exportAll(options: DirectoryOptions & { readonly out: string }): void {
  using reader = AuditReader.open(auditOf(options.directory));
  const out = resolve(options.out);
  const { entries, head } = reader.exportTo(out);
  answer(
    options,
    { out, entries, head },
    `${entries} entries are in ${out}, with a README that says how to check them.`,
  );
}

/** Says it, and ends with the code of a failed check if it is one. */
function finish(options: AnswerOptions, isGood: boolean, value: object, text: string): void {
  answer(options.json === undefined ? {} : { json: options.json }, value, text);
  if (!isGood) process.exitCode = ExitCode.checkFailed;
}

function auditOf(directory: string): string {
  return join(resolve(directory), 'audit');
}

function rowOf({ action, actor, code, number, outcome, reason, subjects, time }: AuditEntry): readonly string[] {
  const about = subjects.map(({ id, kind }) => `${kind}:${id.length > 40 ? `${id.slice(0, 24)}...` : id}`);
  const why = [...(code === undefined ? [] : [code]), ...(reason === undefined ? [] : [reason])];
  return [String(number), time, `${actor.kind}:${actor.id}`, action, outcome, [...about, ...why].join(' ')];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new CliError('cli.bad-option', `${path} cannot be read.`);
  }
}
