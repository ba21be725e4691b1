/**
 * A model's crate: the model in three forms, cards, numbers, report, examples, checkpoints of the logs, environment. From the
 * same inputs come the same bytes: dates are inputs.
 */
import type { KeyObject } from 'node:crypto';
import { encodeModel, specialise } from '@consilium/engine';
import { metricsCsv, metricsJson, type RehearsalRecord, reportHtml, summaryOf } from '@consilium/study';
import { type MonaiBundleFacts, monaiBundle } from './bundle/monai-bundle.ts';
import type { PublishedModel } from './bundle/published-model.ts';
import { type CroissantTable, croissant } from './cards/croissant.ts';
import { dataSheet } from './cards/data-sheet.ts';
import { type ModelCard, modelCard } from './cards/model-card.ts';
import { modelCardText } from './cards/model-card-text.ts';
import { publicRecord } from './cards/public-record.ts';
import type { About } from './crate/about.ts';
import type { CrateFile } from './crate/crate-file.ts';
import { CrateWriter } from './crate/crate-writer.ts';
import type { SignedManifest } from './crate/signed-manifest.ts';
import { type FileSink, jsonBytes, utf8 } from './file-tree.ts';
import { packageFile } from './package-files.ts';
import { reproduceScript } from './reproduce-script.ts';

export interface ModelPublication {
  readonly about: About;
  readonly model: PublishedModel;
  /** Of the work; undefined where only the model is there. */
  readonly record: RehearsalRecord | undefined;
  /** Whether pictures of real patients stay in the report. */
  readonly withPictures: boolean;
  /** Experiment files, job digests, checkpoints, software bill of materials: what only the caller can find. */
  readonly extras: readonly CrateFile[];
  /** Name to version. */
  readonly software: Readonly<Record<string, string>>;
  /** Options of `consilium rehearse` that make the same numbers; undefined where patients are not synthetic. */
  readonly rehearsal: readonly string[] | undefined;
}

export async function publishModel(
  sink: FileSink,
  publication: ModelPublication,
  key: KeyObject,
): Promise<{ readonly manifest: SignedManifest; readonly card: ModelCard }> {
  const { about, software } = publication;
  const model = forOneImage(publication.model);
  const record = publication.record && publicRecord(publication.record, { withPictures: publication.withPictures });
  const card = modelCard({
    ...{ about, plan: model.plan, weightsSha256: model.weightsSha256, record },
    parameters: [...model.model.parameters.values()].reduce((sum, { data }) => sum + data.length, 0),
  });
  const writer = new CrateWriter(sink);
  const addAll = async (files: readonly CrateFile[]): Promise<void> => {
    for (const file of files) await writer.add(file);
  };
  await addAll(modelFiles(model, about));
  await addAll(monaiFiles(model, card, about));
  await addAll(cardFiles(card, about, record));
  await addAll(exampleFiles());
  if (record !== undefined) await addAll(await methodologyFiles(record, model.weightsSha256, publication.rehearsal));
  await addAll(publication.extras);
  await addAll([
    file('environment/software.json', 'Software with which it was made', jsonBytes(software)),
    file('README.md', 'What is in this crate', utf8(readme(about))),
    file('LICENSE', 'Apache License 2.0, of the code in this crate', packageFile('python/LICENSE')),
  ]);
  const tables = record === undefined ? [] : [metricsTable];
  const described = croissant(about, writer.files, tables);
  await writer.add(
    file('croissant.json', 'Croissant metadata: the files and the table of scores', jsonBytes(described), {
      conformsTo: 'http://mlcommons.org/croissant/1.0',
    }),
  );
  const manifest = await writer.finish(
    {
      about,
      keywords: [
        'segmentation',
        'federated learning',
        'computed tomography',
        ...model.plan.classes.map(({ name }) => name),
      ],
      made: {
        software,
        ...(record === undefined
          ? {}
          : { command: record.command, startedAt: record.startedAt, endedAt: endOf(record) }),
      },
    },
    key,
  );
  return { manifest, card };
}

/** A graph is made for batches of the training; whoever predicts gives it one patch after the other. */
function forOneImage(published: PublishedModel): PublishedModel {
  const model = specialise(published.model, {
    image: [1, published.plan.network.inputChannels, ...published.plan.patchSize],
  });
  return { ...published, model, files: { ...published.files, model: encodeModel(model) } };
}

function file(
  path: string,
  name: string,
  bytes: Uint8Array,
  more: Partial<Omit<CrateFile, 'path' | 'name' | 'bytes'>> = {},
): CrateFile {
  return { path, name, bytes, ...more };
}

function modelFiles({ files, plan, weightsSha256 }: PublishedModel, { title, version, date }: About): CrateFile[] {
  const metadata = { title, version, date, weightsSha256, classes: plan.classes };
  return [
    file('model/model.onnx', 'The network with its weights, ONNX', files.model),
    file('model/weights.safetensors', 'The weights, safetensors', files.weights),
    file('model/plan.json', 'How images are prepared, and how the model was trained', files.plan),
    file('model/metadata.json', 'Name and version of the model', jsonBytes(metadata)),
  ];
}

function monaiFiles(model: PublishedModel, card: ModelCard, about: About): CrateFile[] {
  const authors = card.authors.join(', ');
  const facts: MonaiBundleFacts = {
    title: about.title,
    version: about.version,
    description: about.description,
    authors,
    copyright: `${about.date.slice(0, 4)} ${authors}; ${about.licence}`,
    intendedUse: about.intendedUse ?? 'Not stated. It is not a medical device.',
    dataSource: card.synthetic === true ? 'synthetic patients' : 'the sites that the model card names',
    evaluation: Object.fromEntries(
      Object.entries(card.evaluation?.dice ?? {}).map(([region, { mean }]) => [`dice_${region}`, mean]),
    ),
  };
  return [...monaiBundle(model, facts)].map(([path, bytes]) => file(`monai/${path}`, `MONAI Bundle: ${path}`, bytes));
}

function cardFiles(card: ModelCard, about: About, record: RehearsalRecord | undefined): CrateFile[] {
  const studies = (record?.sites ?? []).map(
    ({ id, studies: { train, validation, test }, excluded }) =>
      `${id}: ${train} studies to train, ${validation} to validate, ${test} to test; ${excluded.length} excluded.`,
  );
  const known = {
    Composition: [
      ...(record?.synthetic === true ? ['All patients are synthetic.'] : []),
      ...studies,
      'The images are not in this crate: they never left the hospitals.',
    ],
    Distribution: [`Licence: ${about.licence}.`],
  };
  return [
    file('model-card.md', 'Model card', utf8(modelCardText(card))),
    file('model-card.json', 'The model card for programs', jsonBytes(card)),
    file('data-sheet.md', 'Data sheet of the data it was trained on', utf8(dataSheet(about, { known }))),
  ];
}

function exampleFiles(): CrateFile[] {
  return [
    file('examples/predict.ts', 'Example in TypeScript', packageFile('examples/predict.ts')),
    file('examples/predict.py', 'Example in Python with ONNX Runtime', packageFile('python/examples/predict.py')),
  ];
}

async function methodologyFiles(
  record: RehearsalRecord,
  weightsSha256: string,
  rehearsal: readonly string[] | undefined,
): Promise<CrateFile[]> {
  const jobs = record.jobs.map(({ id, kind, siteId, weightsSha256: digest, bestRound, stopReason }) => ({
    ...{ id, kind, ...(siteId === undefined ? {} : { siteId }), weightsSha256: digest, bestRound, stopReason },
  }));
  const script = rehearsal && reproduceScript(rehearsal, { weightsSha256, version: record.software['consilium'] });
  return [
    file('methodology/report.html', 'Report', utf8(await reportHtml(record))),
    file('methodology/record.json', 'The record from which the report is made', jsonBytes(record)),
    file('methodology/summary.json', 'Outcome in a few numbers', jsonBytes(summaryOf(record))),
    file(metricsTable.path, metricsTable.description, utf8(metricsCsv(record))),
    file('methodology/metrics.json', 'The same scores as JSON', utf8(metricsJson(record))),
    file('methodology/jobs.json', 'Jobs with the digests of their weights', jsonBytes(jobs)),
    ...(script === undefined
      ? []
      : [file('methodology/reproduce.sh', 'Makes the numbers again, from the seed', utf8(script))]),
  ];
}

const text = (name: string, description: string) => ({ name, type: 'Text', description }) as const;
const float = (name: string, description: string) => ({ name, type: 'Float', description }) as const;

const metricsTable: CroissantTable = {
  path: 'methodology/metrics.csv',
  name: 'scores',
  description: 'Every score of every model on every test case',
  columns: [
    text('model', 'Name of the model'),
    text('model_kind', 'federated, local or pooled'),
    text('tested_at', 'Site whose test case it is'),
    text('patient', 'Pseudonym of the patient'),
    text('case', 'Pseudonym of the case'),
    text('region', 'Union of classes that is scored'),
    float('dice', 'Dice coefficient'),
    float('nsd', 'Normalised surface Dice'),
    float('brier', 'Brier score of the probabilities near the region'),
    float('ece', 'Expected calibration error near the region'),
    float('volume_error_ml', 'Predicted less reference volume in millilitres'),
  ],
};

function endOf({ startedAt, seconds }: RehearsalRecord): string {
  return new Date(Date.parse(startedAt) + seconds * 1000).toISOString();
}

function readme({ title, description, version, date }: About): string {
  return `# ${title}

Version ${version}, ${date}.

${description}

| | |
|---|---|
| \`model/\` | graph, weights and plan: \`consilium predict --bundle model --input STUDY\` |
| \`monai/\` | the same model as a MONAI Bundle |
| \`model-card.md\`, \`data-sheet.md\` | what it is for, from whom it learnt, how it did, what is not known |
| \`methodology/\` | report, record, scores, experiments, and the script that makes them again |
| \`audit/\` | signed heads of the logs of coordinator and sites |
| \`examples/\` | the model used from TypeScript, Python and a browser |
| \`ro-crate-metadata.json\`, \`croissant.json\` | all of this for programs |

\`consilium publish verify .\` says whether this is what was published. \`manifest.json\` has every file's SHA-256 and a
signature; ask the publisher for the fingerprint of the key.
`;
}
