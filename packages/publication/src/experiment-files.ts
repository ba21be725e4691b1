/** What is published of an experiment: its record, what it says, its figures; of real patients no names and no groups. */
import { basename } from 'node:path';
import { z } from 'zod';
import { numbered, withoutPaths } from './cards/public-record.ts';
import type { CrateFile } from './crate/crate-file.ts';
import { type FileTree, jsonBytes } from './file-tree.ts';
import { PublicationError } from './publication-error.ts';

const others = /^(?:(?:analysis|sites|test-ledger)\.json|figures\/[^/]+)$/;
const recordPath = 'experiment.json';

const recordSchema = z.looseObject({
  synthetic: z.boolean(),
  command: z.string(),
  scores: z.array(z.looseObject({ siteId: z.string(), case: z.string(), patient: z.string() })),
});

/**
 * @param tree as `consilium experiment run` has left it
 * @throws PublicationError `publication.experiment-unfinished`
 */
export async function experimentFiles(name: string, tree: FileTree): Promise<CrateFile[]> {
  const bytes = await tree.get(recordPath)?.read();
  const record = recordSchema.safeParse(bytes === undefined ? undefined : parsed(bytes));
  if (!record.success) {
    throw new PublicationError(
      'publication.experiment-unfinished',
      'What was named holds no experiment that came to its end.',
      { detail: name },
    );
  }
  const file = (path: string, content: Uint8Array): CrateFile => ({
    path: `methodology/experiments/${name}/${path}`,
    name: `Experiment ${name}: ${basename(path)}`,
    bytes: content,
  });
  const found = [...tree].filter(([path]) => others.test(path));
  const rest = await Promise.all(found.map(async ([path, source]) => file(path, await source.read())));
  return [file(recordPath, jsonBytes(publicExperiment(record.data))), ...rest];
}

/** Groups of single patients (sex, age, size of the tumour) would tell more of them together than any table of the analysis. */
function publicExperiment(record: z.infer<typeof recordSchema>): z.infer<typeof recordSchema> {
  const command = withoutPaths(record.command);
  if (record.synthetic) return { ...record, command };
  const names = (of: 'case' | 'patient') =>
    numbered(
      of,
      record.scores.map((score) => [score.siteId, score[of]] as const),
    );
  const [cases, patients] = [names('case'), names('patient')];
  const scores = record.scores.map((score) => ({
    ...score,
    case: cases(score.siteId, score.case),
    patient: patients(score.siteId, score.patient),
    groups: {},
  }));
  return { ...record, command, scores };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
