/** `consilium site approvals`: the jobs that a person at the hospital has to look at, and what that person says of them. */
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { type Approval, Approvals, approvalRecorded } from '@consilium/site';
import type { Command } from 'commander';
import { type AnswerOptions, answer, jsonOption, textTable } from './answer.ts';

interface ApprovalOptions extends AnswerOptions {
  readonly directory: string;
  readonly by?: string;
}

export function addSiteApprovalsCommand(site: Command): void {
  const group = site
    .command('approvals')
    .description('Jobs that a person here has to approve before they run.')
    .addHelpText(
      'after',
      `
Examples:
  consilium site approvals list --directory /srv/site
  consilium site approvals show kidney-1 --directory /srv/site
  consilium site approvals approve kidney-1 --directory /srv/site --by "Dr. Berger"`,
    );
  const about = (name: string) =>
    group
      .command(name)
      .requiredOption('--directory <dir>', 'as made by "consilium site join"')
      .option(...jsonOption);
  about('list').description('All jobs that were asked for, and what was said of them.').action(list);
  about('show')
    .description('One job: what it is, and how it differs from the last that was approved of its kind.')
    .argument('<job>', 'its name, or the beginning of its digest')
    .action(show);
  for (const [name, state, description] of [
    [
      'approve',
      'approved',
      'Let the job run here. It begins at once, and again under any name if nothing of it differs.',
    ],
    ['refuse', 'refused', 'Do not let the job run here.'],
  ] as const) {
    about(name)
      .description(description)
      .argument('<job>', 'its name, or the beginning of its digest')
      .option('--by <name>', 'who decides; who is logged in if not given')
      .action((id: string, options: ApprovalOptions) => decide(id, state, options));
  }
}

const words = { none: 'waits', approved: 'approved', refused: 'refused' } as const;

async function list(options: ApprovalOptions): Promise<void> {
  const all = await new Approvals(resolve(options.directory)).list();
  const rows = all.map(({ job, digest, member, state, askedAt, decidedBy }) => [
    job,
    digest.slice(0, 12),
    words[state],
    member ?? 'nobody',
    askedAt,
    decidedBy ?? '',
  ]);
  const told = all.map(({ facts: _, ...approval }) => approval);
  const heading = ['job', 'digest', '', 'signed by', 'asked', 'decided by'];
  answer(options, { approvals: told }, rows.length === 0 ? 'Nothing was asked for.' : textTable([heading, ...rows]));
}

async function show(id: string, options: ApprovalOptions): Promise<void> {
  const approvals = new Approvals(resolve(options.directory));
  const approval = await approvals.named(id);
  const difference = await approvals.difference(approval);
  const lines = [
    `${approval.job} (${approval.kind}), signed by ${approval.member ?? 'nobody'}, ${stateOf(approval)}`,
    `digest ${approval.digest}`,
    ...(difference === null
      ? ['No other job of its kind was approved. It is:', JSON.stringify(approval.facts, null, 2)]
      : [
          `It differs from ${difference.from.job}, approved by ${difference.from.decidedBy} on ${difference.from.decidedAt}, in:`,
          ...difference.lines.map((line) => `  ${line}`),
        ]),
  ];
  const differs = difference === null ? null : { from: difference.from.job, lines: difference.lines };
  answer(options, { ...approval, difference: differs }, lines.join('\n'));
}

async function decide(id: string, state: 'approved' | 'refused', options: ApprovalOptions): Promise<void> {
  const by = options.by ?? userInfo().username;
  const directory = resolve(options.directory);
  const approvals = new Approvals(directory);
  const { digest, job } = await approvals.named(id);
  const decided = await approvalRecorded(directory, { by, digest, job, state }, () =>
    approvals.decide(digest, { state, by, now: new Date().toISOString() }),
  );
  const { facts: _, ...told } = decided;
  answer(options, told, `${decided.job} is ${stateOf(decided)}.`);
}

function stateOf({ state, decidedBy, decidedAt }: Approval): string {
  return state === 'none' ? 'waits for a decision' : `${words[state]} by ${decidedBy} on ${decidedAt}`;
}
