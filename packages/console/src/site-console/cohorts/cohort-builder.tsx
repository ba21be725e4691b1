/** Makes a cohort: a query, what else counts, who is left out and why, and the freezing of it. */
import type { CohortMember, CohortVersion } from '@consilium/archive/api';
import { Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { ErrorView } from '../../parts/error-view.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { QueryBox } from '../../parts/query-box.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { ask } from '../../parts/service-client.ts';
import { useSharedQuery } from '../../parts/shared-query.ts';
import { changeRules, resetRules, useCohortRules } from './cohort-draft.ts';
import { CohortPreview } from './cohort-preview.tsx';
import { FacetPanel } from './facet-panel.tsx';
import { TallyView } from './tally-view.tsx';

export function CohortBuilder() {
  const [query, setQuery] = useSharedQuery();
  const rules = useCohortRules();
  const preview = useQuery({
    queryKey: ['search', 'preview', query, rules],
    queryFn: ({ signal }) =>
      ask<readonly CohortMember[]>('/cohorts/preview', { method: 'POST', body: { query, rules }, signal }),
    placeholderData: keepPreviousData,
  });
  return (
    <PageFrame
      title="New cohort"
      about="Ask for series, look at what they are and at who is left out, then freeze. Nothing changes until you freeze."
    >
      <QueryBox label="Series of the cohort" query={query} onQuery={setQuery} error={preview.error} />
      {!preview.error && (
        <Section title="What they are">
          <FacetPanel query={query} onQuery={setQuery} />
        </Section>
      )}
      <Section title="What counts">
        <RuleChoices />
      </Section>
      <QueryView of={preview} height={400}>
        {(members) => (
          <>
            <Section title="Who belongs">
              <TallyView members={members} />
              <CohortPreview query={query} members={members} />
            </Section>
            <FreezeForm query={query} isEmpty={members.every(({ exclusion }) => exclusion !== undefined)} />
          </>
        )}
      </QueryView>
    </PageFrame>
  );
}

function RuleChoices() {
  const rules = useCohortRules();
  return (
    <Group gap="lg" align="flex-end">
      <Stack gap="xs">
        <Checkbox
          label="Only with a segmentation on its voxels"
          checked={rules.requireLabel}
          onChange={({ currentTarget }) => changeRules({ requireLabel: currentTarget.checked })}
        />
        <Checkbox
          label="None with a failed finding"
          checked={rules.excludeFailed}
          onChange={({ currentTarget }) => changeRules({ excludeFailed: currentTarget.checked })}
        />
        <Checkbox
          label="Of series that show the same, only the first"
          checked={rules.excludeDuplicates}
          onChange={({ currentTarget }) => changeRules({ excludeDuplicates: currentTarget.checked })}
        />
      </Stack>
      <NativeSelect
        label="Of each patient"
        value={rules.perPatient}
        onChange={({ currentTarget: { value } }) => changeRules({ perPatient: value as typeof rules.perPatient })}
        data={[
          { value: 'all', label: 'everything' },
          { value: 'one-study', label: 'the first study' },
          { value: 'one-series', label: 'the first series of the first study' },
        ]}
      />
    </Group>
  );
}

function FreezeForm({ isEmpty, query }: { query: string; isEmpty: boolean }) {
  const rules = useCohortRules();
  const [name, setName] = useState('');
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const freeze = useMutation({
    mutationFn: () => ask<CohortVersion>('/cohorts', { method: 'POST', body: { name, query, rules } }),
    onSuccess: async (frozen) => {
      resetRules();
      await client.invalidateQueries();
      navigate(`/cohorts/${frozen.name}?`);
    },
  });
  const isNamed = /^[a-z0-9][a-z0-9-]{0,62}$/.test(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isNamed && !isEmpty) freeze.mutate();
  };
  return (
    <Section title="Freeze">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm">
            Freezing writes down who belongs and with which segmentation. A version never changes and is never deleted;
            freezing under a name that exists makes its next version.
          </Text>
          <Group align="flex-end" gap="xs">
            <TextInput
              label="Name of the cohort"
              placeholder="nephrographic-2026"
              value={name}
              onChange={({ currentTarget }) => setName(currentTarget.value)}
              error={name !== '' && !isNamed ? 'of a-z, 0-9 and "-"' : undefined}
            />
            <Button type="submit" disabled={!isNamed || isEmpty} loading={freeze.isPending}>
              Freeze
            </Button>
          </Group>
          {isEmpty && (
            <Text size="sm" c="dimmed">
              Nobody belongs yet: there is nothing to freeze.
            </Text>
          )}
          {freeze.error && <ErrorView error={freeze.error} />}
        </Stack>
      </form>
    </Section>
  );
}
