/** `consilium job overlap`: have the sites find the patients who are at several of them, and give each patient one part. */
import { type IdentifierKind, identifierKindSchema, jobIdSchema } from '@consilium/protocol';
import { type Command, Option } from 'commander';
import { type ActingOptions, actAs } from './acting-member.ts';
import { type AnswerOptions, answer, textTable } from './answer.ts';
import { CliError } from './cli-error.ts';
import { stopOnInterrupt } from './interruption.ts';
import { jobEventText } from './job-event-text.ts';
import { realNumber, wholeNumber } from './number-option.ts';
import { participantsOf, participantsOption } from './participants.ts';
import { outcomeOf } from './site-survey.ts';

interface OverlapOptions extends ActingOptions, AnswerOptions {
  readonly participants: string;
  readonly by: IdentifierKind;
  readonly capacity: number;
  readonly minimumCount: number;
  readonly minimumSites?: number;
  readonly stragglerMinutes: number;
}

export function addJobOverlapCommand(command: Command): void {
  command
    .description(
      'Have the sites find the patients whom they share, and keep a test patient of one from training at another. No site tells another, or the coordinator, who its patients are.',
    )
    .argument('<name>', 'of the comparison; the same again goes on with it')
    .option(...participantsOption)
    .addOption(
      new Option('--by <identifier>', 'by what a patient is known again; sites allow it in their settings')
        .choices(identifierKindSchema.options)
        .default('patient-id'),
    )
    .option(
      '--capacity <n>',
      'every site’s list is filled up to so many identifiers, so that nobody learns how long it is',
      wholeNumber(16, 65_536),
      1024,
    )
    .option('--minimum-count <n>', 'a site tells no smaller number of patients', wholeNumber(1, 1e6), 5)
    .option('--minimum-sites <n>', 'with fewer the comparison fails; default: all', wholeNumber(2, 10_000))
    .option('--straggler-minutes <n>', 'how long each step waits for all sites', realNumber(0.01, 1e6), 60)
    .addHelpText(
      'after',
      `
Examples:
  consilium job overlap overlap-1
  consilium job overlap overlap-2 --by name-birth-date-sex --participants charite,mainz --capacity 4096`,
    )
    .action(overlap);
}

async function overlap(name: string, options: OverlapOptions): Promise<void> {
  const { data: jobId } = jobIdSchema.safeParse(name);
  if (jobId === undefined) {
    throw new CliError('cli.bad-option', `"${name}" is no name of a job: 1 to 64 of a-z, 0-9, ".", "_", "-".`);
  }
  const signal = stopOnInterrupt('Stopping: the sites are told to give it up ...');
  await using acting = await actAs(options);
  const participants = await participantsOf(acting, options.participants);
  if (participants.length < 2) {
    throw new CliError('cli.no-participants', 'Patients are compared between sites: name at least two.');
  }
  const say = (text: string) => process.stderr.write(`${text}\n`);
  say(`Asking ${participants.join(', ')} whom they share, in five steps`);
  const { answers, leftOut } = await outcomeOf<'overlap'>(
    acting,
    {
      kind: 'overlap',
      jobId,
      participants: [...participants],
      settings: {
        identifier: options.by,
        capacity: options.capacity,
        minimumCount: options.minimumCount,
        minimumSites: options.minimumSites ?? participants.length,
      },
      stragglerMs: options.stragglerMinutes * 60_000,
      attempts: 3,
    },
    {
      signal,
      onTrouble: say,
      onEvent: (event) => {
        const text = jobEventText(event);
        if (text !== null && event.kind !== 'job-started') say(`  ${text}`);
      },
    },
  );
  const sites = [...answers].map(([siteId, { found }]) => ({ siteId, ...found! }));
  answer(options, { jobId, sites, leftOut }, overlapText(jobId, { sites, leftOut }));
}

interface Told {
  readonly sites: readonly {
    readonly siteId: string;
    readonly elsewhere: number | null;
    readonly leftOut: number | null;
  }[];
  readonly leftOut: readonly { readonly siteId: string; readonly message: string }[];
}

function overlapText(jobId: string, { sites, leftOut }: Told): string {
  const told = (count: number | null) => (count === null ? 'too few to tell, or none' : String(count));
  const rows = sites.map((site) => [site.siteId, told(site.elsewhere), told(site.leftOut)]);
  return [
    textTable([['site', 'patients elsewhere too', 'of them left out here'], ...rows]),
    '',
    ...leftOut.map(({ siteId, message }) => `${siteId} did not come to the end: ${message}`),
    `Who they are each site finds in overlap/${jobId}.json of its own directory.`,
  ].join('\n');
}
