/** How the data of the sites differs, from what they have told to plan with: whole counts, no value of one patient. */
import type { Figure, SiteDifferences } from '@consilium/study/browser';
import { SimpleGrid, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { wholeNumber } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { type ExperimentFindings, lookInto } from '../experiments/experiment-work.ts';
import { StudyFigure } from '../experiments/study-figure.tsx';
import { askRoute, fingerprints } from '../project-asking.ts';

export function DifferencesPage() {
  const query = useQuery({
    queryKey: [...fingerprints.queryKey, 'findings'],
    queryFn: async ({ signal }) => {
      const told = await askRoute('fingerprints', {}, signal);
      return told && { askedBy: told.askedBy, findings: await lookInto({ kind: 'sites', sites: told.sites }) };
    },
  });
  return (
    <PageFrame
      title="How sites differ"
      about="Scanners and habits differ; a model of one hospital may fail at another. From histograms of whole counts that each site has told."
    >
      <QueryView of={query} height={300}>
        {(told) =>
          told === null ? (
            <Section title="Not asked yet">
              <EmptyPlace title="No site has told what its data is like">
                Planning a job asks them: <code>consilium job plan kidney-1</code>.
              </EmptyPlace>
            </Section>
          ) : (
            <Differences askedBy={told.askedBy} findings={told.findings} />
          )
        }
      </QueryView>
    </PageFrame>
  );
}

function Differences({ askedBy, findings }: { askedBy: string; findings: ExperimentFindings }) {
  if (findings.kind !== 'found' || findings.differences === null) {
    return (
      <Section title="What sites have told">
        <EmptyPlace title="It is in a form that this page does not know">
          {findings.kind === 'not-understood' && findings.message}
        </EmptyPlace>
      </Section>
    );
  }
  const { differences, figures } = findings;
  const effects = figures.filter(({ words }) => words !== undefined);
  return (
    <>
      <Section title="Sites side by side">
        <SiteTable sites={differences.sites} />
        <Text size="sm" c="dimmed">
          Median (5 % to 95 %). Asked by <Link href={`/jobs/${askedBy}`}>{askedBy}</Link>.
        </Text>
      </Section>
      <Figures of={figures.filter(({ words }) => words === undefined)} />
      {differences.sites.some(({ scanners, sliceThicknessMm }) => isTold(scanners) || sliceThicknessMm !== null) && (
        <Section title="Scanners and volumes">
          <ScannerTable sites={differences.sites} />
          <Text size="sm" c="dimmed">
            Training cases. A group of too few patients is not told; kernels are told as one of four families.
          </Text>
        </Section>
      )}
      {effects.length > 0 && (
        <Section title="What harmonisation does about it">
          <Text size="sm">
            Each row is two hospitals; hollow is how far they are apart now. Nothing here changes a model.
          </Text>
          <Figures of={effects} />
        </Section>
      )}
    </>
  );
}

function Figures({ of }: { of: readonly Figure[] }) {
  return (
    <SimpleGrid cols={{ base: 1, xl: 2 }}>
      {of.map((figure) => (
        <StudyFigure key={figure.name} figure={figure} />
      ))}
    </SimpleGrid>
  );
}

function isTold({ kernel, vendor }: SiteDifferences['sites'][number]['scanners']): boolean {
  return Object.keys(kernel).length + Object.keys(vendor).length > 0;
}

function ScannerTable({ sites }: Pick<SiteDifferences, 'sites'>) {
  const text = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, cases]) => `${name} ${cases}`)
      .join(', ') || 'not told';
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table verticalSpacing={4} fz="sm" aria-label="Scanners and volumes">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Site</Table.Th>
            <Table.Th>Vendor</Table.Th>
            <Table.Th>Reconstruction kernel</Table.Th>
            <Table.Th>Mean thickness of slices, mm</Table.Th>
            <Table.Th>Mean volume drawn, ml</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sites.map(({ classMl, scanners, siteId, sliceThicknessMm }) => (
            <Table.Tr key={siteId}>
              <Table.Th scope="row">{siteId}</Table.Th>
              <Table.Td>{text(scanners.vendor)}</Table.Td>
              <Table.Td>{text(scanners.kernel)}</Table.Td>
              <Table.Td>{sliceThicknessMm?.toFixed(1) ?? 'not told'}</Table.Td>
              <Table.Td>
                {Object.entries(classMl)
                  .map(([value, ml]) => `class ${value}: ${ml.toFixed(0)}`)
                  .join(', ')}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function SiteTable({ sites }: Pick<SiteDifferences, 'sites'>) {
  const range = ({ high, low, median }: { low: number; median: number; high: number }, digits: number) =>
    `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table verticalSpacing={4} fz="sm" aria-label="Sites side by side">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Site</Table.Th>
            <Table.Th>Cases</Table.Th>
            <Table.Th>Distance of slices, mm</Table.Th>
            <Table.Th>Distance of pixels, mm</Table.Th>
            <Table.Th>Density, HU</Table.Th>
            <Table.Th>Phases</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sites.map(({ cases, phases, quantiles, siteId }) => (
            <Table.Tr key={siteId}>
              <Table.Th scope="row">{siteId}</Table.Th>
              <Table.Td>{wholeNumber(cases)}</Table.Td>
              <Table.Td>{range(quantiles.sliceSpacingMm, 2)}</Table.Td>
              <Table.Td>{range(quantiles.pixelSpacingMm, 2)}</Table.Td>
              <Table.Td>{range(quantiles.organHu, 0)}</Table.Td>
              <Table.Td>
                {Object.entries(phases)
                  .map(([phase, count]) => `${phase} ${count}`)
                  .join(', ') || 'not told'}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
