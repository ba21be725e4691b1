/** `consilium report`: makes the report of a project anew from its record, and a PDF of it where a Chromium can print one. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { parseProjectRecord, parseRecord, reportHtml } from '@consilium/study';
import { writeDurably } from '@consilium/transport';
import { type Command, Option } from 'commander';
import { type AnswerOptions, answer, jsonOption } from './answer.ts';
import { CliError } from './cli-error.ts';
import { writeReport } from './full-rehearsal/full-result.ts';
import { projectFiles } from './full-rehearsal/project-files.ts';

interface ReportOptions extends AnswerOptions {
  readonly pdf?: true;
  readonly chromium?: string;
}

const printMsMax = 120_000;

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description(
      'Make the report of a rehearsal or a project anew from its record. The same record gives the same bytes.',
    )
    .argument('<dir>', 'with project.json or record.json')
    .addOption(new Option('--pdf', 'print it, too: needs a Chromium; the web page needs none'))
    .option('--chromium <path>', 'this one; default: the first of chromium, chromium-browser, google-chrome in PATH')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  consilium report rehearsal --pdf')
    .action(makeReport);
}

async function makeReport(given: string, options: ReportOptions): Promise<void> {
  const directory = resolve(given);
  const report = await rebuilt(directory);
  const pdf = options.pdf ? await printed(report, options.chromium ?? chromiumInPath()) : null;
  answer(options, { report, pdf }, [report, ...(pdf === null ? [] : [pdf])].join('\n'));
}

/** Of a project, else of a rehearsal. @throws CliError `cli.no-record`, StudyError `study.record-malformed` */
async function rebuilt(directory: string): Promise<string> {
  const [project, record] = [projectFiles.project, projectFiles.record].map((name) => join(directory, name));
  if (existsSync(project!)) return writeReport(directory, parseProjectRecord(jsonIn(project!)));
  if (!existsSync(record!)) throw new CliError('cli.no-record', `${directory} holds no record to make a report of.`);
  const report = join(directory, projectFiles.report);
  await writeDurably(report, await reportHtml(parseRecord(jsonIn(record!))));
  return report;
}

function jsonIn(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new CliError('cli.no-record', `${path} is not JSON.`);
  }
}

/** @throws CliError `cli.no-chromium` */
async function printed(report: string, chromium: string | undefined): Promise<string> {
  if (chromium === undefined) {
    throw new CliError(
      'cli.no-chromium',
      `${report} is made; no Chromium was found to print it. Name one: --chromium.`,
    );
  }
  const pdf = report.replace(/\.html$/, '.pdf');
  // It is root in containers only, where Chromium has no sandbox; the page has no script and is our own.
  const rights = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const page = pathToFileURL(report).href;
  const args = ['--headless', '--disable-gpu', ...rights, '--no-pdf-header-footer', `--print-to-pdf=${pdf}`, page];
  await promisify(execFile)(chromium, args, { timeout: printMsMax }).catch(() => {});
  if (existsSync(pdf)) return pdf;
  throw new CliError('cli.no-chromium', `${report} is made; ${chromium} could not print it.`);
}

function chromiumInPath(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return names.flatMap((name) => directories.map((directory) => join(directory, name))).find(existsSync);
}
