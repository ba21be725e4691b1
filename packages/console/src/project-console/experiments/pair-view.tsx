/** Two configurations of an experiment, paired by case: the difference with its interval and tests, and who gains. */
import type { ExperimentAnalysis } from '@consilium/study/browser';
import { Group, NativeSelect, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { signedText } from '../../parts/quantity.ts';

type Pair = ExperimentAnalysis['comparisons'][number];
type Estimate = Pair['difference'];

export function PairView({ analysis: { comparisons, configurations } }: { analysis: ExperimentAnalysis }) {
  const tested = configurations.filter(({ test }) => test !== null);
  const options = tested.map(({ configuration, label }) => ({ value: configuration, label }));
  const [first, setFirst] = useState(comparisons[0]?.first ?? options[0]!.value);
  const [second, setSecond] = useState(comparisons[0]?.second ?? options[1]!.value);
  const straight = comparisons.find((pair) => pair.first === first && pair.second === second);
  const turned = comparisons.find((pair) => pair.first === second && pair.second === first);
  const pair = straight ?? (turned && turnedAround(turned));
  return (
    <>
      <Group gap="md" align="flex-end">
        <NativeSelect
          label="This one"
          data={options}
          value={second}
          onChange={({ currentTarget }) => setSecond(currentTarget.value)}
        />
        <NativeSelect
          label="less that one"
          data={options}
          value={first}
          onChange={({ currentTarget }) => setFirst(currentTarget.value)}
        />
      </Group>
      <div role="status">
        {pair === undefined ? (
          <EmptyPlace title="These two are not compared">
            {first === second
              ? 'Choose two that differ.'
              : 'The experiment compares configurations that differ in one setting; these differ in more.'}
          </EmptyPlace>
        ) : (
          <Comparison pair={pair} />
        )}
      </div>
    </>
  );
}

function Comparison({ pair }: { pair: Pair }) {
  const sites = Object.entries(pair.differenceBySite);
  return (
    <>
      <FactList
        facts={[
          ['Difference in Dice', estimateText(pair.difference)],
          [
            'Beyond these sites',
            pair.differenceBeyondSites === null
              ? 'not told: fewer than five sites'
              : estimateText(pair.differenceBeyondSites),
          ],
          ...(pair.eceDifference === null
            ? []
            : [['Difference in calibration error', estimateText(pair.eceDifference)] as const]),
          [
            'Permutation test',
            `p = ${pText(pair.permutation.p)}; ${pText(pair.pHolm)} corrected for all comparisons (Holm)`,
          ],
          ['Wilcoxon test', `p = ${pText(pair.wilcoxon.p)}`],
          [
            'Effect',
            `Cohen’s d of differences ${pair.cohensDz.toFixed(2)}, rank-biserial correlation ${pair.rankBiserial.toFixed(2)}`,
          ],
        ]}
      />
      <Text size="sm" fw={600}>
        Who gains
      </Text>
      <Table verticalSpacing={3} fz="sm" aria-label="Difference at each site">
        <Table.Tbody>
          {sites.map(([siteId, difference]) => (
            <Table.Tr key={siteId}>
              <Table.Th scope="row">{siteId}</Table.Th>
              <Table.Td>{difference === null ? 'too few patients to tell' : estimateText(difference)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

function turnedAround(pair: Pair): Pair {
  const turn = <E extends Estimate | null>(estimate: E): E =>
    estimate === null ? estimate : { ...estimate, mean: -estimate.mean, low: -estimate.high, high: -estimate.low };
  return {
    ...pair,
    ...{ first: pair.second, second: pair.first, difference: turn(pair.difference) },
    differenceBySite: Object.fromEntries(Object.entries(pair.differenceBySite).map(([site, one]) => [site, turn(one)])),
    ...{ differenceBeyondSites: turn(pair.differenceBeyondSites), eceDifference: turn(pair.eceDifference) },
    ...{ cohensDz: -pair.cohensDz, rankBiserial: -pair.rankBiserial },
  };
}

function estimateText({ high, low, mean }: Estimate): string {
  return `${signedText(mean)} (95 % interval ${signedText(low)} to ${signedText(high)})`;
}

function pText(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}
