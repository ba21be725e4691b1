/** One job: live curves a site, who has contributed, what it cost, when it stops and why. */
import type { Answer, JobRound } from '@consilium/coordinator/api';
import { Alert, Anchor, Group, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { CopyBlock } from '../../parts/copy-block.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { type ChartLine, LineChart } from '../../parts/line-chart.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { bytesText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { askedText, JobProgress, StateBadge, scoreText } from '../job-words.tsx';
import { ModelMatrix } from '../matrix/model-matrix.tsx';
import { job, matrix, routeAddress } from '../project-asking.ts';
import type { ProjectLive } from '../project-live.ts';
import { JobActs } from './job-acts.tsx';
import { RoundTable } from './round-table.tsx';
import { SiteSteps } from './site-steps.tsx';

type Details = Answer<'job'>;

export function JobPage({ jobId, live }: { jobId: string; live: ProjectLive }) {
  const query = useQuery(job(jobId));
  return (
    <PageFrame
      title={jobId}
      about={query.data && `${askedText(query.data)} at ${query.data.participants.join(', ')}`}
      actions={query.data && <JobActs entry={query.data} />}
    >
      <QueryView of={query} height={400}>
        {(details) => (
          <>
            <Standing details={details} live={live} />
            {details.training === null ? <Survey details={details} /> : <Training details={details} />}
          </>
        )}
      </QueryView>
    </PageFrame>
  );
}

function Standing({ details, live }: { details: Details; live: ProjectLive }) {
  const { current, jobId, reason, state } = details;
  return (
    <Section title="Where it stands">
      <Group gap="md" align="flex-start">
        <StateBadge state={state} />
        <Stack gap={2} miw={160}>
          <JobProgress entry={details} />
        </Stack>
      </Group>
      <div role="status">
        {reason !== null && (
          <Alert variant="default" title="Why it ended">
            <Text size="sm">{reason.text}</Text>
            <Text size="sm">Code: {reason.code}</Text>
          </Alert>
        )}
        {current !== null && state === 'running' && (
          <Text size="sm">
            Round {current.round} is under way. {whoHas(current.trained, details.participants)}
          </Text>
        )}
        {details.training !== null && reason === null && (
          <Text size="sm" c="dimmed">
            {stoppingWords(details.training, details.rounds!.max)}
          </Text>
        )}
      </div>
      <SiteSteps live={live} jobId={jobId} />
    </Section>
  );
}

function whoHas(trained: readonly string[], participants: readonly string[]): string {
  const missing = participants.filter((siteId) => !trained.includes(siteId));
  const have =
    trained.length === 0
      ? 'No site has answered yet'
      : `${trained.join(', ')} ${trained.length === 1 ? 'has' : 'have'} answered`;
  return missing.length === 0 ? `${have}.` : `${have}; waited for: ${missing.join(', ')}.`;
}

function stoppingWords({ minimumGain, patience }: NonNullable<Details['training']>, max: number): string {
  const rounds = patience === 1 ? 'a round' : `${patience} rounds`;
  return `It stops when validation has not risen by ${minimumGain} for ${rounds}, at the latest after round ${max}.`;
}

function Training({ details }: { details: Details }) {
  const { jobId, participants, roundList, rounds } = details;
  const across = useQuery(matrix).data;
  const own = across && { ...across, models: across.models.filter((model) => model.jobId === jobId) };
  return (
    <>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Section title="Validation Dice">
          <LineChart
            title={`Validation Dice of ${jobId} by round`}
            lines={scoreLines(roundList, participants)}
            xTitle="Round"
            xMax={Math.max(roundList.length, Math.min(rounds!.max, 10))}
          />
        </Section>
        <Section title="Training loss">
          {roundList.length > 0 &&
          roundList.every(({ trained }) => trained.every(({ meanLoss }) => meanLoss === null)) ? (
            <EmptyPlace title="Not told">
              Training is private, or only sums are seen: a loss would say too much.
            </EmptyPlace>
          ) : (
            <LineChart
              title={`Training loss of ${jobId} by round`}
              lines={participants.map((siteId) => lossLine(roundList, siteId))}
              xTitle="Round"
              xMax={Math.max(roundList.length, Math.min(rounds!.max, 10))}
            />
          )}
        </Section>
      </SimpleGrid>
      <Section
        title="Rounds"
        actions={
          <Group gap="md">
            <Anchor size="sm" href={routeAddress('jobMetrics', { params: { jobId } })} download>
              Metrics as CSV
            </Anchor>
            <Anchor size="sm" href={routeAddress('job', { params: { jobId } })} download={`${jobId}.json`}>
              as JSON
            </Anchor>
          </Group>
        }
      >
        <RoundTable rounds={roundList} />
      </Section>
      {own !== undefined && own.models.length > 0 && (
        <Section title="This model at every site">
          <ModelMatrix matrix={own} />
        </Section>
      )}
      <Settings details={details} />
    </>
  );
}

function scoreLines(rounds: readonly JobRound[], participants: readonly string[]): readonly ChartLine[] {
  const points = (scoreOf: (round: JobRound) => number | null | undefined) =>
    rounds.flatMap((round) => {
      const y = scoreOf(round);
      return typeof y === 'number' ? [{ x: round.round, y }] : [];
    });
  return [
    ...participants.map((siteId) => ({
      name: siteId,
      points: points(({ evaluated }) => evaluated.find((each) => each.siteId === siteId)?.score),
    })),
    { name: 'all sites', isMain: true, points: points(({ score }) => score) },
  ];
}

function lossLine(rounds: readonly JobRound[], siteId: string): ChartLine {
  return {
    name: siteId,
    points: rounds.flatMap(({ round, trained }) => {
      const y = trained.find((each) => each.siteId === siteId)?.meanLoss;
      return typeof y === 'number' ? [{ x: round, y }] : [];
    }),
  };
}

function Settings({ details }: { details: Details }) {
  const { best, jobId, spent } = details;
  const training = details.training!;
  const spentText = spent.map(({ epsilon, siteId, trainings }) => {
    const cost = epsilon === null ? 'without bound' : `ε = ${(Math.ceil(epsilon * 100) / 100).toFixed(2)}`;
    return `${siteId}: ${cost} for ${trainings} trainings`;
  });
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      <Section title="How it trains">
        <FactList
          facts={[
            ['Strategy', training.strategy],
            ['Steps a round', String(training.stepsPerRound)],
            ['Sites needed', `${training.minimumSites} of ${details.participants.length}`],
            [
              'Weights',
              training.weightsBytes === null
                ? undefined
                : `${bytesText(training.weightsBytes)}, answered as ${training.reply}`,
            ],
            [
              'Secure sums',
              training.secureThreshold === null
                ? 'no: each site’s weights are seen'
                : `yes, of at least ${training.secureThreshold} sites`,
            ],
            ['Privacy', training.privacy ?? 'none'],
            [
              'Privacy spent',
              spentText.length === 0 ? undefined : spentText.map((text) => <div key={text}>{text}</div>),
            ],
            ['Seed', String(training.seed)],
          ]}
        />
        {spent.length > 0 && (
          <Text size="sm" c="dimmed">
            ε at δ = 1e-5, of the rounds that were taken in. What counts is each site’s own ledger.
          </Text>
        )}
      </Section>
      <Section title="Its model">
        <Text size="sm">
          {best === null
            ? 'No round is complete yet.'
            : `Best in round ${best.round}, validation Dice ${scoreText(best.score)}.`}
        </Text>
        <CopyBlock label="Fetch the model" text={`consilium job result ${jobId} --out ${jobId}-result`} />
      </Section>
    </SimpleGrid>
  );
}

function Survey({ details: { answered, asks, leftOut, participants } }: { details: Details }) {
  return (
    <Section title="Answers">
      <Table verticalSpacing={4} fz="sm" aria-label="Answers">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Site</Table.Th>
            <Table.Th>Answer</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {participants.map((siteId) => {
            const missing = leftOut.find((each) => each.siteId === siteId);
            return (
              <Table.Tr key={siteId}>
                <Table.Th scope="row">{siteId}</Table.Th>
                <Table.Td>
                  {answered?.includes(siteId)
                    ? 'has answered'
                    : missing
                      ? `${missing.message} (${missing.code})`
                      : 'not yet'}
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      {asks === 'fingerprint' && <Link href="/differences">How sites differ</Link>}
      {asks === 'evaluate' && <Link href="/matrix">Models across sites</Link>}
    </Section>
  );
}
