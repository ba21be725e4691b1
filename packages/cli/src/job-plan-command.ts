/** `consilium job plan`: from the sites' data to a job directory. */
import { resolve } from 'node:path';
import { type StrategySpec, strategySpecSchema } from '@consilium/federation';
import { plainEncoding } from '@consilium/protocol';
import { type Command, Option } from 'commander';
import { type ActingOptions, actAs } from './acting-member.ts';
import { type AnswerOptions, answer } from './answer.ts';
import { CliError } from './cli-error.ts';
import { stopOnInterrupt } from './interruption.ts';
import { type JobFile, jobNameOf, readPlan, requireFree, writeJobDirectory } from './job-directory.ts';
import { jobEventText } from './job-event-text.ts';
import type { WatchedEvent } from './job-follower.ts';
import { JobPlanning } from './job-planning.ts';
import { describePlan, networkFor } from './network-plan.ts';
import { realNumber, wholeNumber } from './number-option.ts';
import { participantsOf, participantsOption } from './participants.ts';

interface PlanOptions extends ActingOptions, AnswerOptions {
  readonly participants: string;
  readonly plan?: string;
  readonly memoryBudgetMb: number;
  readonly detail: 'small' | 'full';
  readonly normalise: 'together' | 'by-phase';
  readonly interactive?: boolean;
  readonly rounds: number;
  readonly steps: number;
  readonly patience: number;
  readonly evaluateEvery: number;
  readonly minimumGain: number;
  readonly minimumSites: number;
  readonly stragglerMinutes: number;
  readonly strategy: string;
  readonly seed: number;
}

export function addJobPlanCommand(command: Command): void {
  command
    .description(
      'Ask the sites what their data is like, derive plan and network, have them prepare; write a directory.',
    )
    .argument('<dir>', 'a new directory, for files that you may look at and edit before "consilium job submit"')
    .option(...participantsOption)
    .option('--plan <file>', 'use this plan.json, edited by hand say, and do not derive one')
    .option(
      '--memory-budget-mb <mb>',
      'memory for training at a site, from which the plan follows',
      wholeNumber(256, 1e6),
      4096,
    )
    .addOption(new Option('--detail <size>', 'size of the network').choices(['small', 'full']).default('full'))
    .addOption(
      new Option(
        '--normalise <how>',
        'all images alike, or each by its phase of contrast enhancement where it is known',
      )
        .choices(['together', 'by-phase'])
        .default('together'),
    )
    .option('--interactive', 'a network that readers click on, not one that segments by itself')
    .option(
      '--rounds <n>',
      'rounds at most; training ends earlier when predictions no longer improve',
      wholeNumber(1, 10_000),
      100,
    )
    .option('--steps <n>', 'gradient steps of each site in each round', wholeNumber(1, 100_000), 250)
    .option('--patience <n>', 'rounds without a gain before training ends', wholeNumber(1, 1000), 10)
    .option('--minimum-gain <dice>', 'smallest gain in validation Dice that counts', realNumber(0, 1), 0.002)
    .option(
      '--evaluate-every <n>',
      'rounds from one scoring on the validation cases to the next',
      wholeNumber(1, 10_000),
      1,
    )
    .option('--minimum-sites <n>', 'a round needs the contributions of so many sites', wholeNumber(1, 10_000), 2)
    .option('--straggler-minutes <n>', 'how long a round waits for all sites', realNumber(0.01, 1e6), 240)
    .option('--strategy <name or JSON>', 'such as fed-avg, or {"kind":"fed-prox","mu":0.01}', 'fed-avg')
    .option('--seed <n>', 'the same seed, data and sites give the same bytes', wholeNumber(0, 2 ** 31 - 1), 1)
    .addHelpText(
      'after',
      `
Examples:
  consilium job plan kidney-1
  consilium job plan kidney-1 --participants charite,mainz --rounds 60 --strategy '{"kind":"fed-prox","mu":0.01}'
  consilium job plan clicks-1 --interactive                  for the reading room: clicks to masks
  consilium job plan kidney-2 --plan kidney-1/plan.json      after editing it: makes the network anew`,
    )
    .action(plan);
}

async function plan(given: string, options: PlanOptions): Promise<void> {
  const directory = resolve(given);
  await requireFree(directory);
  const strategy = strategyFrom(options.strategy);
  const edited = options.plan === undefined ? null : await readPlan(resolve(options.plan));
  const signal = stopOnInterrupt('Stopping: the sites are told to give it up ...');
  await using acting = await actAs(options);
  const asked = await participantsOf(acting, options.participants);
  const name = jobNameOf(directory);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const { minimumSites, stragglerMinutes, seed, memoryBudgetMb, detail: size } = options;
  const stragglerMs = stragglerMinutes * 60_000;
  const planning = new JobPlanning(acting, {
    name,
    participants: asked,
    minimumSites,
    stragglerMs,
    signal,
    onEvent: (event) => sayEvent(event, say),
    onTrouble: say,
  });

  say(edited === null ? `Asking ${asked.join(', ')} what their data is like` : `Using ${options.plan}`);
  const choices = {
    memoryBudgetMb,
    size,
    normaliseByPhase: options.normalise === 'by-phase',
    interactive: options.interactive === true,
  };
  const derived = edited === null ? await planning.derivePlan(choices) : null;
  const made = edited ?? derived!.plan;
  const model = networkFor(made, seed);
  say(`Plan: ${describePlan(made, model)}`);
  const described = derived === null ? asked : [...derived.answers.keys()];
  const prepared = await planning.prepare(made, described);
  const participants = [...prepared.answers.keys()];

  const job: JobFile = {
    kind: 'train',
    jobId: name as JobFile['jobId'],
    participants,
    rounds: { max: options.rounds },
    stepsPerRound: options.steps,
    minimumSites: Math.min(minimumSites, participants.length),
    stragglerMs,
    attempts: 3,
    stopping: { patience: options.patience, minimumGain: options.minimumGain },
    ...(options.evaluateEvery === 1 ? {} : { evaluateEvery: options.evaluateEvery }),
    seed,
    strategy,
    reply: plainEncoding,
  };
  await writeJobDirectory(directory, { job, plan: made, model });
  const sites = [...prepared.answers].map(([siteId, { cases, leftOut }]) => ({ siteId, cases, leftOut }));
  const without = [...(derived?.leftOut ?? []), ...prepared.leftOut];
  answer(
    options,
    { directory, jobId: name, participants, sites, leftOut: without },
    [
      ...sites.map(
        ({ siteId, cases, leftOut }) =>
          `  ${siteId}: ${cases.train} cases to train on, ${cases.validation} to validate, ${cases.test} to test${leftOut.length === 0 ? '' : `; ${leftOut.length} left out (its own log says which)`}`,
      ),
      ...without.map(({ siteId, message }) => `  ${siteId} does not take part: ${message}`),
      '',
      `${given} holds the job. Look at job.json and plan.json, then: consilium job submit ${given}`,
    ].join('\n'),
  );
}

/** A name alone, or the strategy with its settings as JSON. @throws CliError `cli.bad-option` */
export function strategyFrom(text: string): StrategySpec {
  let given: unknown = { kind: text };
  if (text.trimStart().startsWith('{')) {
    try {
      given = JSON.parse(text);
    } catch {
      throw new CliError('cli.bad-option', '--strategy is not JSON. In a shell, put it in single quotes.');
    }
  }
  const { data, error } = strategySpecSchema.safeParse(given);
  if (data !== undefined) return data;
  const { path, message } = error!.issues[0]!;
  throw new CliError('cli.bad-option', `--strategy is wrong at "${path.join('.')}": ${message}.`);
}

function sayEvent(event: WatchedEvent, say: (text: string) => void): void {
  const text = jobEventText(event);
  if (text !== null && event.kind !== 'job-started') say(`  ${text}`);
}
