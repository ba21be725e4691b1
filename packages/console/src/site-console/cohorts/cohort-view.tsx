/** A frozen cohort: its versions, who belongs, its splits, and how training is told of it. */
import type { CohortVersion } from '@consilium/archive/api';
import { Button, Code, Group, NativeSelect, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { FactList } from '../../parts/fact-list.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { timeText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { cohort, splits } from '../archive-asking.ts';
import { resetRules } from './cohort-draft.ts';
import { CohortPreview } from './cohort-preview.tsx';
import { SplitForm } from './split-form.tsx';
import { SplitView } from './split-view.tsx';
import { TallyView } from './tally-view.tsx';
import { TrainingLines } from './training-lines.tsx';

export function CohortView({ name }: { name: string }) {
  const [version, setVersion] = useState<number>();
  const newest = useQuery(cohort(name, undefined));
  const shown = useQuery(cohort(name, version));
  const drawn = useQuery(splits);
  const own = (drawn.data ?? []).filter((split) => split.cohort === name);
  const last = newest.data?.version.version ?? 1;
  return (
    <PageFrame
      title={`Cohort ${name}`}
      about={<Link href="/cohorts">All cohorts</Link>}
      actions={
        <Group align="flex-end">
          <NativeSelect
            aria-label="Version"
            value={version ?? last}
            onChange={({ currentTarget }) => setVersion(Number(currentTarget.value))}
            data={Array.from({ length: last }, (_, at) => ({
              value: String(last - at),
              label: `version ${last - at}`,
            }))}
          />
          {newest.data && <NextVersion version={newest.data.version} />}
        </Group>
      }
    >
      <QueryView of={shown} height={500}>
        {({ members, version: facts }) => (
          <>
            <Section title="Who belongs">
              <FactList facts={factsOf(facts)} />
              <TallyView members={members} />
              {facts.erased.length > 0 && (
                <Text size="sm">
                  Erased since: {facts.erased.map(({ patientId, reason }) => `${patientId} (${reason})`).join('; ')}
                </Text>
              )}
              <CohortPreview query={facts.query} members={members} isFrozen />
            </Section>
            <Section title="Splits">
              {own.length === 0 && (
                <Text size="sm" c="dimmed">
                  None is drawn yet. A split says, once and for all, which patients train, validate and test.
                </Text>
              )}
              {own.map((split) => (
                <SplitView key={split.name} split={split} newestVersion={last} />
              ))}
              <SplitForm cohort={name} version={facts.version} />
            </Section>
            <Section title="Use it for training">
              <TrainingLines cohort={name} version={facts.version} splits={own.map((split) => split.name)} />
            </Section>
          </>
        )}
      </QueryView>
    </PageFrame>
  );
}

function factsOf({ createdMs, query, rules, version }: CohortVersion) {
  const counts = [
    rules.requireLabel && 'only with a segmentation',
    rules.excludeFailed && 'none with a failed finding',
    rules.excludeDuplicates && 'no duplicates',
    rules.perPatient !== 'all' && (rules.perPatient === 'one-study' ? 'one study a patient' : 'one series a patient'),
  ].filter((rule) => rule !== false);
  return [
    ['Version', `${version}, frozen ${timeText(createdMs)}`],
    ['Query', query === '' ? 'everything' : <Code key="query">{query}</Code>],
    ['What counts', counts.join(', ') || 'everything found'],
  ] as const;
}

function NextVersion({ version: { query, rules } }: { version: CohortVersion }) {
  const [, navigate] = useLocation();
  return (
    <Button
      variant="default"
      onClick={() => {
        resetRules(rules);
        navigate(`/cohorts/_new?${new URLSearchParams({ q: query })}`);
      }}
    >
      Make the next version
    </Button>
  );
}
