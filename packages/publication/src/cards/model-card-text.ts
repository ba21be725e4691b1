/** The model card as Markdown. */
import type { ModelCard } from './model-card.ts';

const missing = '*Not stated.*';

export function modelCardText(card: ModelCard): string {
  const { training, evaluation } = card;
  return `# ${card.title}

Version ${card.version}, ${card.date}. Authors: ${card.authors.join(', ')}. Licence: ${card.licence}.
Contact: ${card.contact ?? missing}
${card.synthetic === true ? '\n> **Synthetic.** Trained and tested on generated patients: a rehearsal, not a model for people.\n' : ''}
${card.description}

## Intended use

${card.intendedUse ?? missing}

**Out of scope.** ${card.outOfScope ?? missing}

## Model

| | |
|---|---|
| network | ${card.network.kind}, channels ${card.network.channels.join('-')}, ${card.network.parameters.toLocaleString('en-GB')} parameters |
| input | CT in Hounsfield units, resampled to ${card.input.spacingMm.join(' × ')} mm (z, y, x), windows of ${card.input.patchSize.join(' × ')} voxels, clipped to ${card.input.clipHu.join(' to ')} HU |
| output | ${card.classes.map(({ value, name }) => `${value} ${name}`).join(', ')}; 0 background |
| weights | SHA-256 \`${card.weightsSha256}\` |

## Training data

${training === null ? missing : trainingText(training)}

## Evaluation

${evaluation === null ? missing : evaluationText(evaluation)}

## Privacy

${card.privacy.length === 0 ? 'No formal privacy guarantee is recorded: weights may hold something of the patients they were trained on.' : list(card.privacy)}

## Limitations

${list(card.limitations)}

## Ethics

${card.ethics ?? missing}
`;
}

function trainingText({ sites, strategy, rounds, bestRound, stopReason }: NonNullable<ModelCard['training']>): string {
  const rows = sites.map(({ site, studies, excluded, profile }) => [
    site,
    ...[studies.train, studies.validation, studies.test, excluded].map(String),
    Object.entries(profile)
      .map(([name, value]) => (name === 'sliceSpacingMm' ? `slices every ${value} mm` : value))
      .join('; '),
  ]);
  return `${table(['site', 'train', 'validation', 'test', 'excluded', 'what it is like'], rows)}

${strategy}. ${rounds} rounds${bestRound === null ? '' : `, weights of round ${bestRound}`}. ${stopReason}`;
}

function evaluationText({ against, patients, cases, dice, subgroups }: NonNullable<ModelCard['evaluation']>): string {
  const number = (value: number) => value.toFixed(3);
  const results = Object.entries(dice).map(([region, { mean, low, high }]) => [
    region === 'all' ? 'mean of the regions' : region,
    `${number(mean)} (${number(low)} to ${number(high)})`,
  ]);
  const groups = subgroups.map((one) => [
    one.division,
    one.group,
    one.kind === 'told' ? String(one.patients) : 'few',
    one.kind === 'told'
      ? `${number(one.estimate.mean)} (${number(one.estimate.low)} to ${number(one.estimate.high)})`
      : 'not told: too few patients',
  ]);
  return `${cases} cases of ${patients} test patients, who took part in no choice, scored against ${against}. Mean Dice with its
95 % interval:

${table(['region', 'Dice'], results)}

By group:

${table(['division', 'group', 'patients', 'Dice'], groups)}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

function list(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${sentence}`).join('\n');
}
