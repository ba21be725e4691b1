/** One experiment: its configurations to sort, two of them to compare, learning curves, how its sites differ. */
import type { ExperimentAnalysis } from '@consilium/study/browser';
import { Alert, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { askRoute, experiment } from '../project-asking.ts';
import { ConfigurationTable } from './configuration-table.tsx';
import { type ExperimentFindings, lookInto } from './experiment-work.ts';
import { PairView } from './pair-view.tsx';
import { StudyFigure } from './study-figure.tsx';

type Found = Extract<ExperimentFindings, { kind: 'found' }>;

export function ExperimentPage({ id }: { id: string }) {
  const query = useQuery({
    queryKey: [...experiment(id).queryKey, 'findings'],
    queryFn: async ({ signal }) =>
      lookInto({ kind: 'record', record: await askRoute('experiment', { params: { id } }, signal) }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <PageFrame title={id} about={query.data?.kind === 'found' ? query.data.facts?.question : undefined}>
      <QueryView of={query} height={400}>
        {(findings) =>
          findings.kind === 'found' ? (
            <Findings found={findings} />
          ) : (
            <Alert color="red" title="This record is not understood" role="alert">
              {findings.message} ({findings.code})
            </Alert>
          )
        }
      </QueryView>
    </PageFrame>
  );
}

function Findings({ found: { analysis, facts, figures } }: { found: Found }) {
  if (analysis === null || facts === null) return null;
  const { configurations, testCases, testPatients } = analysis;
  const curves = figures.filter(({ name }) => name.startsWith('learning-curve'));
  const reliability = figures.filter(({ name }) => name.startsWith('reliability'));
  const ofSites = figures.filter((figure) => !curves.includes(figure) && !reliability.includes(figure));
  return (
    <>
      {facts.synthetic && <Alert color="blue">Patients in this experiment are synthetic.</Alert>}
      {facts.looks > 1 && (
        <Alert variant="default" title={`The test patients were asked ${facts.looks} times`}>
          Scores on them are no longer those of patients that nothing was chosen by.
        </Alert>
      )}
      <Section title="Configurations">
        <ConfigurationTable configurations={configurations} chosen={facts.chosen} />
        <Text size="sm" c="dimmed">
          {testPatients === 0
            ? 'Nothing was tested.'
            : `Test: ${testCases} cases of ${testPatients} patients; mean Dice with its 95 % interval, by bootstrap over patients.`}
        </Text>
      </Section>
      {configurations.filter(({ test }) => test !== null).length > 1 && (
        <Section title="Compare two">
          <PairView analysis={analysis} />
        </Section>
      )}
      <Section title="Learning curve">
        {curves.length === 0 ? (
          <EmptyPlace title="Not measured">
            It takes an experiment over three or more numbers of patients a site.
          </EmptyPlace>
        ) : (
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            {curves.map((figure) => (
              <StudyFigure key={figure.name} figure={figure} />
            ))}
          </SimpleGrid>
        )}
        <StudiesNeeded analysis={analysis} />
      </Section>
      {reliability.length > 0 && (
        <Section title="Can its probabilities be believed?">
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            {reliability.map((figure) => (
              <StudyFigure key={figure.name} figure={figure} />
            ))}
          </SimpleGrid>
        </Section>
      )}
      {ofSites.length > 0 && (
        <Section title="How its sites differ">
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            {ofSites.map((figure) => (
              <StudyFigure key={figure.name} figure={figure} />
            ))}
          </SimpleGrid>
        </Section>
      )}
      <Section title="How it was made">
        <FactList
          facts={[
            ['Chosen by', facts.rule],
            ['Machine', facts.machine],
            [
              'Software',
              Object.entries(facts.software)
                .map(([name, version]) => `${name} ${version}`)
                .join(', '),
            ],
            ['Of the record', analysis.recordSha256OfExperiment],
          ]}
        />
      </Section>
    </>
  );
}

function StudiesNeeded({ analysis: { curves } }: { analysis: ExperimentAnalysis }) {
  const lines = curves.flatMap(({ label, needed }) =>
    needed.map(({ answer, score }) => {
      const text =
        answer.kind === 'reachable'
          ? `${Math.ceil(answer.studies)} studies a site (${Math.ceil(answer.low)} to ${answer.high === null ? 'no bound' : Math.ceil(answer.high)})${answer.extrapolated ? ', beyond what was measured' : ''}`
          : `no number is enough: the curve levels off at ${answer.ceiling.toFixed(3)}`;
      return `${label}: for a Dice of ${score}, ${text}.`;
    }),
  );
  return (
    <Stack gap={2}>
      {lines.map((line) => (
        <Text size="sm" key={line}>
          {line}
        </Text>
      ))}
    </Stack>
  );
}
