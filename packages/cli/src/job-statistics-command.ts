/** `consilium job statistics`: what the sites' training cases are like, as numbers over all of them. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { runStatistics, type Survey } from '@consilium/federation';
import type { JobId } from '@consilium/protocol';
import { type SiteDifferences, siteDifferences } from '@consilium/study';
import { writeDurably } from '@consilium/transport';
import type { Command } from 'commander';
import { type ActingOptions, actAs } from './acting-member.ts';
import { type AnswerOptions, answer } from './answer.ts';
import { differencesText } from './differences-text.ts';
import { stopOnInterrupt } from './interruption.ts';
import { jobEventText } from './job-event-text.ts';
import { realNumber, wholeNumber } from './number-option.ts';
import { participantsOf, participantsOption } from './participants.ts';
import { askSites } from './site-survey.ts';
import { statisticsAsJson, statisticsText } from './statistics-text.ts';

interface StatisticsOptions extends ActingOptions, AnswerOptions {
  readonly participants: string;
  readonly variables: string;
  readonly bins: number;
  readonly minimumCount: number;
  readonly minimumSites: number;
  readonly stragglerMinutes: number;
  readonly differences?: boolean;
  readonly out?: string;
}

/** What a site can say of its cases; of other classes too. */
const variables = [
  'slice-spacing-mm',
  'pixel-spacing-mm',
  'slice-count',
  'class-1-volume-ml',
  'class-2-volume-ml',
  'class-3-volume-ml',
];
/** How far each end of a range is moved outward, at most, where a site does not insist on a share of its own. */
const widenedByMax = 0.2;

export function addJobStatisticsCommand(command: Command): void {
  command
    .description(
      'Ask the sites for numbers about their training cases: count, mean, deviation, quantiles and a histogram of each variable. No site tells of fewer cases than the minimum count.',
    )
    .option(...participantsOption)
    .option('--variables <names>', 'separated by commas; class-N-volume-ml for any class N', variables.join(','))
    .option('--bins <n>', 'of each histogram', wholeNumber(1, 1000), 10)
    .option(
      '--minimum-count <n>',
      'a site with fewer values of a variable, or in a bin, is silent',
      wholeNumber(1, 1e6),
      5,
    )
    .option('--minimum-sites <n>', 'with answers of fewer sites there are no statistics', wholeNumber(1, 10_000), 2)
    .option('--straggler-minutes <n>', 'how long to wait for all sites', realNumber(0.01, 1e6), 60)
    .option('--differences', 'ask too how the sites differ, and tell what harmonisation would do about it')
    .option('--out <file>', 'write them as JSON too')
    .addHelpText(
      'after',
      `
Examples:
  consilium job statistics
  consilium job statistics --participants charite,mainz --variables slice-spacing-mm,class-2-volume-ml --out volumes.json`,
    )
    .action(statistics);
}

async function statistics(options: StatisticsOptions): Promise<void> {
  const signal = stopOnInterrupt('Stopping: the sites are told to give it up ...');
  await using acting = await actAs(options);
  const participants = await participantsOf(acting, options.participants);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const { bins, minimumCount } = options;
  const terms = {
    participants,
    minimumSites: Math.min(options.minimumSites, participants.length),
    stragglerMs: options.stragglerMinutes * 60_000,
    attempts: 3,
  };
  const asks = <K extends 'statistics' | 'fingerprint'>(survey: Survey<K>) =>
    askSites(acting, survey, {
      signal,
      onTrouble: say,
      onEvent: (event) => {
        const text = jobEventText(event);
        if (text !== null && event.kind !== 'job-started') say(`  ${text}`);
      },
    });
  const jobId = `statistics-${randomBytes(3).toString('hex')}`;
  say(`Asking ${participants.join(', ')} about their cases, twice`);
  const outcome = await runStatistics(
    {
      ...{ ...terms, jobId: jobId as JobId, bins, minimumCount, widenedByMax },
      variables: [...new Set(options.variables.split(',').map((name) => name.trim()))],
    },
    asks,
  );
  let differences: SiteDifferences | undefined;
  if (options.differences === true) {
    say(`Asking ${participants.join(', ')} how their data differs`);
    const task = { kind: 'fingerprint' } as const;
    const { answers } = await asks<'fingerprint'>({ ...terms, jobId: `${jobId}.differences` as JobId, task });
    const sites = [...answers].map(([siteId, { cases, description, fingerprint }]) => ({
      ...{ siteId, cases, fingerprint },
      ...(description === undefined ? {} : { description }),
    }));
    differences = siteDifferences({ data: { sha256: '', sites }, scores: [] });
  }
  const told = { ...statisticsAsJson(outcome), ...(differences === undefined ? {} : { differences }) };
  if (options.out !== undefined) await writeDurably(resolve(options.out), `${JSON.stringify(told, null, 2)}\n`);
  const texts = [statisticsText(outcome), ...(differences === undefined ? [] : [differencesText(differences)])];
  answer(options, told, texts.join('\n\n'));
}
