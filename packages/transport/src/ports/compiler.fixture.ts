/** A process in which a function runs hot; prints whether Maglev ever compiled it. Started with `--allow-natives-syntax`. */
import { leaveOutMaglev } from './compiler.ts';

if (process.argv[2] === 'left-out') leaveOutMaglev();
const statusOf = new Function('f', 'return %GetOptimizationStatus(f)') as (f: unknown) => number;
const compiledByMaglev = 2 ** 5;
let seen = false;
const sum = (upTo: number): number => {
  let total = 0;
  for (let index = 0; index < upTo; index++) total += index % 7;
  return total;
};
for (let call = 0; call < 20_000 && !seen; call++) {
  sum(50);
  seen = (statusOf(sum) & compiledByMaglev) !== 0;
}
process.stdout.write(String(seen));
