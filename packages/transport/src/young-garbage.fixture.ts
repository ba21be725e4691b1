/**
 * Makes what lives for a while, as loading a program does, and again while bytes arrive; says how many bytes the young
 * generation takes after each. `argv[2]`: whether the heap is kept small.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { collectAfter, keepHeapSmall } from './young-garbage.ts';

function churn(onTurn: () => void): void {
  let living: object[] = [];
  for (let turn = 0; turn < 300; turn++) {
    for (let made = 0; made < 10_000; made++) living.push({ made, values: [made] });
    if (living.length > 200_000) living = living.slice(100_000);
    onTurn();
  }
}

const youngBytes = (): number => {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')!.space_size;
};

churn(() => {});
const loaded = youngBytes();
if (process.argv[2] === 'small') keepHeapSmall();
const begun = youngBytes();
churn(() => collectAfter(8 * 2 ** 20));
console.log(JSON.stringify({ loaded, begun, worked: youngBytes() }));
