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

function evaluationText(evaluation: NonNullable<ModelCard['evaluation']>): string {
  const { against, calibrationError, cases, dice, patients, subgroups } = evaluation;
  const number = (value: number) => value.toFixed(3);
  const interval = ({ mean, low, high }: (typeof dice)[string]) =>
    `${number(mean)} (${number(low)} to ${number(high)})`;
  const isCalibrationKnown = Object.keys(calibrationError).length > 0;
  const results = Object.entries(dice).map(([region, each]) => {
    const error = calibrationError[region];
    return [
      region === 'all' ? 'mean of the regions' : region,
      interval(each),
      ...(isCalibrationKnown ? [error === undefined ? '' : interval(error)] : []),
    ];
  });
  const groups = subgroups.map((one) => [
    one.division,
    one.group,
    one.kind === 'told' ? String(one.patients) : 'few',
    one.kind === 'told' ? interval(one.estimate) : 'not told: too few patients',
  ]);
  return `${cases} cases of ${patients} test patients, who took part in no choice, scored against ${against}. Mean Dice with its
95 % interval:

${table(['region', 'Dice', ...(isCalibrationKnown ? ['calibration error'] : [])], results)}
${isCalibrationKnown ? '\nThe calibration error is the difference between the probability that the model gives and how often it is right, near the region;\n0 is best.\n' : ''}
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
