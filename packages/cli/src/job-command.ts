/** `consilium job`: ask what the data is like, plan one, submit it, look, watch, pause, resume, abort, and fetch what came of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import type { Submission } from '@consilium/federation';
import { jobIdSchema } from '@consilium/protocol';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ActingOptions, actAs, actingOptions } from './acting-member.ts';
import { type AnswerOptions, answer, jsonOption, textTable } from './answer.ts';
import { blobOfFile, offerFile } from './blob-file.ts';
import { CliError } from './cli-error.ts';
import { ExitCode } from './exit-code.ts';
import { stopOnInterrupt } from './interruption.ts';
import { jobFiles, jobNameOf, readJobDirectory } from './job-directory.ts';
import { jobEventText } from './job-event-text.ts';
import { followJob, jobStatusSchema, type ListedJob, parseEvent, submit } from './job-follower.ts';
import { addJobOverlapCommand } from './job-overlap-command.ts';
import { addJobPlanCommand } from './job-plan-command.ts';
import { fetchResult } from './job-result.ts';
import { keepReview, reviewsIn } from './job-reviews.ts';
import { addJobStatisticsCommand } from './job-statistics-command.ts';
import { JobWatch } from './job-watch.ts';
import { humanProgress } from './progress.ts';
import { signatureOf } from './signed-submission.ts';

type CommonOptions = ActingOptions & AnswerOptions;

export function addJobCommand(program: Command): void {
  const group = program
    .command('job')
    .description('Training jobs: plan, submit, watch, and fetch the result.')
    .addHelpText(
      'after',
      '\nExamples:\n  consilium job plan kidney-1\n  consilium job submit kidney-1\n  consilium job watch kidney-1',
    );
  const acting = (name: string) =>
    group
      .command(name)
      .option(...actingOptions[0])
      .option(...actingOptions[1])
      .option(...jsonOption);
  addJobStatisticsCommand(acting('statistics'));
  addJobOverlapCommand(acting('overlap'));
  addJobPlanCommand(acting('plan'));
  acting('review')
    .description('Sign a job that somebody else submits, where sites want it to be looked at by people they know.')
    .argument('<dir>', 'as made by "consilium job plan"; your signature is added to it')
    .option('--id <name>', 'under which it will be submitted, if another than job.json says')
    .addHelpText('after', '\nExample:\n  consilium job review kidney-1 --identity reviewer')
    .action(reviewDirectory);
  acting('submit')
    .description('Sign a job and hand it to the coordinator. The same again changes nothing.')
    .argument('<dir>', 'as made by "consilium job plan"')
    .option('--id <name>', 'another name than job.json says')
    .addHelpText(
      'after',
      '\nExamples:\n  consilium job submit kidney-1\n  consilium job submit kidney-1 --id kidney-1b',
    )
    .action(submitDirectory);
  acting('list')
    .description('All jobs of the project, and where they stand.')
    .addHelpText('after', '\nExamples:\n  consilium job list\n  consilium job list --json')
    .action(list);
  acting('show')
    .description('One job: who takes part, and its rounds so far.')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  consilium job show kidney-1')
    .action(show);
  acting('watch')
    .description('What happens in a job, live, until it ends; also through a restart of the coordinator.')
    .argument('<id>')
    .addHelpText(
      'after',
      `
Ends with 0 if the job is completed, 3 if it has failed, 4 if it was aborted. Ctrl-C leaves the job alone.

Examples:
  consilium job watch kidney-1
  consilium job watch kidney-1 --json | jq 'select(.kind == "evaluated")'`,
    )
    .action(watch);
  acting('logs')
    .description('What happened in a job, a line each; of a very long one, the newest 5000.')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  consilium job logs kidney-1')
    .action(logs);
  for (const [name, description] of [
    ['pause', 'Pause a job. Sites finish what they do and keep it until it is resumed.'],
    ['resume', 'Go on with a job that was paused or has failed, from its last completed step.'],
    ['abort', 'End a job for good. Sites give up what they do for it.'],
  ] as const) {
    acting(name)
      .description(description)
      .argument('<id>')
      .addHelpText('after', `\nExample:\n  consilium job ${name} kidney-1`)
      .action((id: string, options: CommonOptions) => change(name, id, options));
  }
  acting('result')
    .description('Fetch what came of a job: the best model, plan and rounds, or the answers of a survey.')
    .argument('<id>')
    .requiredOption('--out <dir>', 'where to write it')
    .addHelpText('after', '\nExample:\n  consilium job result kidney-1 --out kidney-1-result')
    .action(result);
}

async function submitDirectory(given: string, options: CommonOptions & { readonly id?: string }): Promise<void> {
  const directory = resolve(given);
  const { job, plan } = await readJobDirectory(directory);
  const jobId = named(options.id ?? job.jobId ?? jobNameOf(directory));
  const signal = stopOnInterrupt('');
  await using acting = await actAs(options);
  const chunks = await mkdtemp(join(directory, '.upload-'));
  try {
    const [model, initialWeights] = [
      await offerFile(acting.client, join(directory, jobFiles.model), { chunks, signal }),
      await offerFile(acting.client, join(directory, jobFiles.weights), { chunks, signal }),
    ];
    const submission: Submission = { ...job, jobId, plan, model, initialWeights };
    const status = await submit(acting, submission, { signal, reviews: await reviewsIn(directory) });
    const text = `Job ${jobId} is ${status.state}. Watch it: consilium job watch ${jobId}`;
    answer(options, status, text);
  } finally {
    await rm(chunks, { recursive: true, force: true });
  }
}

/** What is signed is what will be submitted; graph and weights by what is in them. */
async function reviewDirectory(given: string, options: CommonOptions & { readonly id?: string }): Promise<void> {
  const directory = resolve(given);
  const { job, plan } = await readJobDirectory(directory);
  const jobId = named(options.id ?? job.jobId ?? jobNameOf(directory));
  const signal = stopOnInterrupt('');
  await using acting = await actAs(options);
  const chunks = await mkdtemp(join(directory, '.review-'));
  try {
    const { id: model } = await blobOfFile(join(directory, jobFiles.model), { chunks, signal });
    const { id: initialWeights } = await blobOfFile(join(directory, jobFiles.weights), { chunks, signal });
    const submission: Submission = { ...job, jobId, plan, model, initialWeights };
    const { credentials, facts } = acting;
    const signature = signatureOf(submission, { as: 'reviewer', project: facts.project, credentials });
    const path = await keepReview(directory, facts.id, signature);
    answer(options, { jobId, reviewer: facts.id, path }, `${facts.id} has signed ${jobId}: ${path}`);
  } finally {
    await rm(chunks, { recursive: true, force: true });
  }
}

async function list(options: CommonOptions): Promise<void> {
  await using acting = await actAs(options);
  const { jobs } = z.object({ jobs: z.array(jobStatusSchema) }).parse(await acting.client.get('/v1/jobs'));
  const rows = jobs.map(({ jobId, kind, state, reason }) => [jobId, kind, state, reason?.text ?? '']);
  answer(
    options,
    { jobs },
    jobs.length === 0 ? 'There is no job yet.' : textTable([['job', 'kind', 'state', ''], ...rows]),
  );
}

const detailSchema = jobStatusSchema.extend({
  submission: z.looseObject({ participants: z.array(z.string()) }),
  rounds: z
    .array(
      z.looseObject({
        round: z.int(),
        score: z.number().nullable(),
        trained: z.array(
          z.looseObject({
            siteId: z.string(),
            meanLoss: z.number().nullable(),
            filters: z.array(z.string()).optional(),
          }),
        ),
        leftOut: z.array(z.looseObject({ siteId: z.string(), message: z.string() })),
      }),
    )
    .optional(),
  answered: z.array(z.string()).optional(),
});

async function show(id: string, options: CommonOptions): Promise<void> {
  await using acting = await actAs(options);
  const detail = detailSchema.parse(await acting.client.get(`/v1/jobs/${named(id)}`));
  const { kind, state, reason, submission, rounds = [], answered } = detail;
  const rows = rounds.map(({ round, score, trained, leftOut }) => [
    String(round),
    score === null ? '–' : score.toFixed(4),
    trained
      .map(({ siteId, meanLoss, filters = [] }) =>
        [siteId, meanLoss?.toFixed(3) ?? '–', filtered(filters)].join(' ').trim(),
      )
      .join(', '),
    leftOut.map(({ siteId, message }) => `${siteId}: ${message}`).join(' '),
  ]);
  const lines = [
    `${styleText('bold', id)} (${kind}) is ${state}${reason === null ? '' : `: ${reason.text} (${reason.code})`}`,
    `participants: ${submission.participants.join(', ')}`,
    ...(answered === undefined ? [] : [`answered: ${answered.join(', ') || 'nobody yet'}`]),
    ...(rows.length === 0 ? [] : ['', textTable([['round', 'Dice', 'sites and their loss', 'left out'], ...rows])]),
  ];
  answer(options, detail, lines.join('\n'));
}

function filtered(filters: readonly string[]): string {
  return filters.length === 0 ? '' : `(${filters.join(', ')})`;
}

async function watch(id: string, options: CommonOptions): Promise<void> {
  const jobId = named(id);
  const signal = stopOnInterrupt('');
  await using acting = await actAs(options);
  const ended = await (options.json ? watchAsJson : watchAsText)(jobId, { client: acting.client, signal });
  answer(options, { ...ended, kind: 'ended' }, `${jobId} is ${ended.state}: ${ended.reason?.text ?? ''}`);
  if (ended.state === 'failed') process.exitCode = ExitCode.jobFailed;
  if (ended.state === 'aborted') process.exitCode = ExitCode.jobAborted;
}

interface Watching {
  readonly client: Parameters<typeof followJob>[0];
  readonly signal: AbortSignal;
}

function watchAsJson(jobId: string, { client, signal }: Watching): Promise<ListedJob> {
  const line = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const onRetry = ({ code, message }: { code: string; message: string }) => line({ kind: 'away', code, message });
  return followJob(client, jobId, { signal, onEvent: line, onRetry });
}

async function watchAsText(jobId: string, { client, signal }: Watching): Promise<ListedJob> {
  using progress = humanProgress(process.stdout);
  const watch = new JobWatch(progress, { shareOf: () => 1 });
  let isAway = false;
  const ended = await followJob(client, jobId, {
    signal,
    onEvent: (event) => {
      isAway = false;
      watch.onEvent(event);
    },
    onRetry: ({ message }) => {
      if (!isAway) progress.show({ type: 'warning', text: message });
      isAway = true;
    },
  });
  return ended;
}

async function logs(id: string, options: CommonOptions): Promise<void> {
  await using acting = await actAs(options);
  const received = z
    .object({ events: z.array(z.unknown()) })
    .parse(await acting.client.get(`/v1/jobs/${named(id)}/log`));
  for (const event of received.events.map(parseEvent)) {
    const text = jobEventText(event);
    if (options.json) process.stdout.write(`${JSON.stringify(event)}\n`);
    else if (text !== null) process.stdout.write(`${event.time ?? ''}  ${text}\n`);
  }
}

async function change(how: 'pause' | 'resume' | 'abort', id: string, options: CommonOptions): Promise<void> {
  await using acting = await actAs(options);
  const status = jobStatusSchema.parse(await acting.client.post(`/v1/jobs/${named(id)}/${how}`, {}));
  const { jobId, state, reason } = status;
  answer(options, status, `${jobId} is ${state}${reason === null ? '.' : `: ${reason.text}`}`);
}

async function result(id: string, options: CommonOptions & { readonly out: string }): Promise<void> {
  const signal = stopOnInterrupt('');
  await using acting = await actAs(options);
  const out = resolve(options.out);
  const { files, ...facts } = await fetchResult(acting.client, named(id), { out, signal });
  answer(options, { ...facts, files }, files.map((file) => join(options.out, file)).join('\n'));
}

function named(id: string): z.infer<typeof jobIdSchema> {
  const { data } = jobIdSchema.safeParse(id);
  if (data !== undefined) return data;
  throw new CliError('cli.bad-option', `"${id}" is no name of a job: 1 to 64 of a-z, 0-9, ".", "_", "-".`);
}
