/** Reads a record of an experiment and computes its statistics and figures beside the page, by the code of the study itself. */
import {
  analyse,
  experimentFigures,
  parseExperimentRecord,
  type SiteDifferences,
  siteDifferences,
} from '@consilium/study/browser';
import type { ExperimentFindings, ExperimentQuestion } from './experiment-work.ts';

self.addEventListener('message', async ({ data }: MessageEvent<ExperimentQuestion>) => {
  self.postMessage(await findingsOf(data));
});

async function findingsOf(question: ExperimentQuestion): Promise<ExperimentFindings> {
  try {
    if (question.kind === 'sites') {
      const differences = siteDifferences({ data: { sha256: '', sites: [...question.sites] as never }, scores: [] });
      return {
        kind: 'found',
        analysis: null,
        differences,
        figures: await experimentFigures(noAnalysis, differences),
        facts: null,
      };
    }
    const record = parseExperimentRecord(question.record);
    const analysis = analyse(record);
    const differences = toldDifferences(record);
    const { chosen, rule } = record.choice;
    const figures = await experimentFigures(analysis, differences ?? noDifferences);
    return {
      ...{ kind: 'found', analysis, differences },
      figures:
        differences === null ? figures.filter(({ name }) => /^(learning-curve|reliability)-/.test(name)) : figures,
      facts: {
        ...{ question: record.experiment.question, synthetic: record.synthetic, machine: record.machine },
        ...{ software: record.software, rule, chosen, looks: record.ledger.looks.length },
      },
    };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code !== 'string') throw error;
    return { kind: 'not-understood', code, message: String(message) };
  }
}

/** A site may have described its data in a form of its own. */
function toldDifferences(record: Parameters<typeof siteDifferences>[0]): SiteDifferences | null {
  try {
    return siteDifferences(record);
  } catch {
    return null;
  }
}

const noAnalysis = { configurations: [], curves: [] };
const none = { wasserstein: [], jensenShannon: [] };
const noDifferences: SiteDifferences = {
  sites: [],
  distances: { sliceSpacingMm: none, pixelSpacingMm: none, organHu: none },
  harmonisation: [],
};
