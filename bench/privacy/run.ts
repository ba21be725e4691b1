/** What protection costs and what it prevents: see README.md. The last line is JSON. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'utility,membership,inversion' },
    /** Directory for the figures; none are drawn without. */
    figures: { type: 'string' },
  },
});

const say = (line: string) => process.stdout.write(`${line}\n`);
const wanted = options.only.split(',');
const begun = process.cpuUsage();
const results: Record<string, unknown> = {};
const draw = (name: string, svg: string) => {
  if (options.figures !== undefined) writeFileSync(join(options.figures, name), svg);
};

if (wanted.includes('utility')) {
  const { measureUtility } = await import('./utility.ts');
  const { utilityFigure } = await import('./figures.ts');
  const utility = await measureUtility(say);
  results['utility'] = utility;
  draw('privacy-utility.svg', utilityFigure(utility));
}
if (wanted.includes('membership')) {
  const { measureMembership } = await import('./membership.ts');
  results['membership'] = await measureMembership(say);
}
if (wanted.includes('inversion')) {
  const { measureInversion } = await import('./inversion.ts');
  const { inversionFigure } = await import('./figures.ts');
  const inversions = await measureInversion(say);
  results['inversion'] = inversions.map(({ slice: _, ...numbers }) => numbers);
  draw('privacy-inversion.svg', inversionFigure(inversions));
}
const { user, system } = process.cpuUsage(begun);
say(JSON.stringify({ name: 'privacy', cpuSeconds: Math.round((user + system) / 1e6), results }));
