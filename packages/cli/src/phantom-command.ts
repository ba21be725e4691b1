/**
 * `consilium phantom`: hospitals full of synthetic patients, one directory a site, one a study. A study that is complete
 * on disk is not made again, so the command can be killed and repeated.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeStudy, siteProfiles, writeStudy } from '@consilium/phantom';
import { type Command, Option } from 'commander';
import { CliError } from './cli-error.ts';
import { stopOnInterrupt } from './interruption.ts';
import { humanProgress } from './progress.ts';
import { parseSettings } from './rehearsal-settings.ts';

export function addPhantomCommand(program: Command): void {
  program
    .command('phantom')
    .description(
      'Synthetic abdominal CT of patients with renal masses, one directory a hospital. Complete studies are kept.',
    )
    .argument('<dir>', 'where to write them')
    .option('--sites <n>', 'simulated hospitals', '6')
    .option('--studies <n>', 'patients of each hospital', '8')
    .option('--seed <n>', 'the same seed gives the same bytes', '1')
    .addOption(
      new Option(
        '--detail <size>',
        'small: the region of the kidneys at about 3 mm; tiny: at 6 mm, to try the machinery',
      )
        .choices(['tiny', 'small', 'full'])
        .default('small'),
    )
    .addOption(
      new Option('--format <format>', 'DICOM comes with DICOM SEG').choices(['nifti', 'dicom']).default('nifti'),
    )
    .addHelpText('after', '\nExample:\n  consilium phantom patients --studies 50 --detail full --format dicom')
    .action(async (directory: string, options: Record<string, string>) => {
      const { sites, studies, seed, detail, format } = parseSettings(options);
      using progress = humanProgress(process.stderr);
      await makePhantoms(
        { directory, sites, studiesPerSite: studies, seed, detail, format },
        {
          processes: 2,
          signal: stopOnInterrupt(),
          onStudy: (done, of) => progress.show({ type: 'count', what: 'synthetic studies', done, of }),
        },
      );
    });
}

type StudyFormat = 'nifti' | 'dicom';

export interface PhantomRequest {
  readonly directory: string;
  readonly sites: number;
  readonly studiesPerSite: number;
  readonly seed: number;
  readonly detail: 'tiny' | 'small' | 'full';
  readonly format: StudyFormat;
}

/** `<directory>/site-<k>/study-<nnn>`, k and nnn counted from 1. */
export function siteDirectory(directory: string, siteIndex: number): string {
  return join(directory, `site-${siteIndex + 1}`);
}

function studyDirectory(request: PhantomRequest, siteIndex: number, studyIndex: number): string {
  return join(siteDirectory(request.directory, siteIndex), `study-${String(studyIndex + 1).padStart(3, '0')}`);
}

/** Makes the studies of every site in `processes` child processes. `onStudy` is called after each one. */
export async function makePhantoms(
  request: PhantomRequest,
  options: { processes: number; signal: AbortSignal; onStudy: (done: number, of: number) => void },
): Promise<void> {
  if (request.sites > siteProfiles.length) {
    throw new CliError(
      'cli.too-many-sites',
      `There are profiles for ${siteProfiles.length} simulated hospitals, but ${request.sites} were asked for. Use --sites ${siteProfiles.length} or fewer, or --data with your own.`,
    );
  }
  const missing: [number, number][] = [];
  for (let study = 0; study < request.studiesPerSite; study++) {
    for (let site = 0; site < request.sites; site++) {
      if (!existsSync(studyDirectory(request, site, study))) missing.push([site, study]);
    }
  }
  const total = request.sites * request.studiesPerSite;
  let done = total - missing.length;
  const workers = Array.from({ length: Math.min(options.processes, missing.length) }, () =>
    fork(new URL(import.meta.resolve('#phantom-worker')), { signal: options.signal }),
  );
  const serve = async (worker: ChildProcess): Promise<void> => {
    for (let next = missing.shift(); next !== undefined; next = missing.shift()) {
      await ask(worker, { request, siteIndex: next[0], studyIndex: next[1] });
      done += 1;
      options.onStudy(done, total);
    }
    worker.disconnect();
  };
  try {
    await Promise.all(workers.map(serve));
  } finally {
    for (const worker of workers) worker.kill();
  }
}

function ask(worker: ChildProcess, work: PhantomWork): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      worker.off('error', onError);
      finish();
    };
    const onMessage = (reply: unknown) =>
      settle(() => (reply === 'done' ? resolve() : reject(new CliError('cli.phantom-failed', String(reply)))));
    const onExit = () =>
      settle(() =>
        reject(new CliError('cli.phantom-failed', 'The process that makes the synthetic patients ended early.')),
      );
    const onError = (error: Error) => settle(() => reject(error));
    worker.on('message', onMessage).on('exit', onExit).on('error', onError);
    worker.send(work);
  });
}

export interface PhantomWork {
  readonly request: PhantomRequest;
  readonly siteIndex: number;
  readonly studyIndex: number;
}

/** One study, whole or not at all: written beside its place and renamed into it. */
export async function makePhantomStudy({ request, siteIndex, studyIndex }: PhantomWork): Promise<void> {
  const place = studyDirectory(request, siteIndex, studyIndex);
  const draft = `${place}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const study = makeStudy({ seed: request.seed, siteIndex, studyIndex, detail: request.detail });
  await writeStudy(study, draft, request.format);
  await rename(draft, place);
}
