/** One study: whose, when, and its series as pictures. */
import { Card, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { FactList } from '../../parts/fact-list.tsx';
import { countOf, dicomDateText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { studiesOf, study } from '../archive-asking.ts';
import { seriesPath, seriesTitle } from '../series-words.ts';
import { SeriesPicture } from './series-picture.tsx';
import { SubjectErasure } from './subject-erasure.tsx';

export function StudyView({ uid }: { uid: string }) {
  const query = useQuery(study(uid));
  const patientId = query.data?.series[0]?.patientId;
  const siblings = useQuery({ ...studiesOf(patientId ?? ''), enabled: patientId !== undefined });
  const entry = siblings.data?.find(({ studyInstanceUid }) => studyInstanceUid === uid);
  const others = siblings.data?.filter(({ studyInstanceUid }) => studyInstanceUid !== uid) ?? [];
  return (
    <QueryView of={query} height={500}>
      {({ deidentification, series }) => (
        <Section title={entry?.description ?? 'Study'}>
          <FactList
            facts={[
              ['Subject', patientId],
              ['Date, shifted', dicomDateText(entry?.date)],
              ['Age', entry?.ageYears === undefined ? undefined : countOf(Math.floor(entry.ageYears), 'year')],
              [
                'Holds',
                entry && `${countOf(entry.series, 'series', 'series')}, ${countOf(entry.instances, 'instance')}`,
              ],
              [
                'De-identification',
                <Link key="changes" href={`/deidentification/${uid}`}>
                  {countOf(deidentification.length, 'kind of change', 'kinds of change')}
                </Link>,
              ],
              [
                'Other studies',
                others.length === 0 ? undefined : (
                  <Stack gap={0} key="others">
                    {others.map((other) => (
                      <Link key={other.studyInstanceUid} href={`/studies/study/${other.studyInstanceUid}`}>
                        {dicomDateText(other.date) ?? 'without a date'} {other.description}
                      </Link>
                    ))}
                  </Stack>
                ),
              ],
            ]}
          />
          <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="sm">
            {series.map((one) => (
              <Card
                key={one.seriesInstanceUid}
                withBorder
                padding="xs"
                component={Link}
                href={seriesPath(one.seriesInstanceUid)}
              >
                <SeriesPicture series={one} size={180} />
                <Text size="sm" mt={4} lineClamp={2}>
                  {seriesTitle(one)}
                </Text>
                <Text size="xs" c="dimmed">
                  {one.modality}, {countOf(one.instances, 'instance')}
                </Text>
              </Card>
            ))}
          </SimpleGrid>
          {patientId !== undefined && <SubjectErasure patientId={patientId} />}
        </Section>
      )}
    </QueryView>
  );
}
