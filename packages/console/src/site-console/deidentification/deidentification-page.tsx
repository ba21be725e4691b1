/** What de-identification did to each study, to be read and printed; and who a pseudonym is, for those who must know. */
import { Button, NativeSelect, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { dicomDateText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { useMay } from '../../parts/session.ts';
import { search } from '../archive-asking.ts';
import { ChangeReport } from './change-report.tsx';
import { ErasedSubjects } from './erased-subjects.tsx';
import { ReidentificationForm } from './reidentification-form.tsx';
import { ReidentificationRecord } from './reidentification-record.tsx';

export function DeidentificationPage({ uid }: { uid: string | undefined }) {
  const mayReveal = useMay('identity.reveal');
  const mayErase = useMay('subject.erase');
  return (
    <PageFrame
      title="De-identification"
      about="Every file is de-identified before it is stored. Here stands what was done, never what it was."
      actions={
        uid !== undefined && (
          <Button variant="default" onClick={() => window.print()} className="no-print">
            Print
          </Button>
        )
      }
    >
      <Section title="Report of a study">
        <StudyChoice uid={uid} />
        {uid === undefined ? null : <ChangeReport uid={uid} />}
      </Section>
      <SimpleGrid cols={{ base: 1, lg: 2 }} className="no-print">
        {mayReveal && (
          <Section title="Who is it?">
            <ReidentificationForm />
          </Section>
        )}
        <Stack gap="md">
          {mayReveal && (
            <Section title="Who has asked">
              <ReidentificationRecord />
            </Section>
          )}
          {mayErase && (
            <Section title="Erased subjects">
              <ErasedSubjects />
            </Section>
          )}
        </Stack>
      </SimpleGrid>
    </PageFrame>
  );
}

function StudyChoice({ uid }: { uid: string | undefined }) {
  const [, navigate] = useLocation();
  const query = useQuery(search({ query: '', limit: 1000, sortBy: 'subject' }));
  return (
    <QueryView of={query} height={60}>
      {({ hasMore, series }) => {
        const studies = [...Map.groupBy(series, ({ studyInstanceUid }) => studyInstanceUid)];
        if (studies.length === 0) return <EmptyPlace title="There is no study yet" />;
        const options = studies.map(([value, [first]]) => ({
          value,
          label: `${first!.patientId}, ${dicomDateText(first!.studyDate) ?? 'without a date'}`,
        }));
        const isListed = uid === undefined || options.some(({ value }) => value === uid);
        return (
          <Stack gap={4}>
            <NativeSelect
              label="Study"
              maw={420}
              value={uid ?? ''}
              onChange={({ currentTarget }) => navigate(`/deidentification/${currentTarget.value}`)}
              data={[
                ...(uid === undefined ? [{ value: '', label: 'choose one', disabled: true }] : []),
                ...(isListed ? [] : [{ value: uid, label: uid }]),
                ...options,
              ]}
            />
            {hasMore && (
              <Text size="sm" c="dimmed" className="no-print">
                There are more: any study’s own page leads here, too.
              </Text>
            )}
          </Stack>
        );
      }}
    </QueryView>
  );
}
