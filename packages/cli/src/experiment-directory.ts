/**
 * What an experiment leaves on disk: `runs/DIGEST.json` of each run that came to its end, `test-ledger.json`, and at the end
 * `analysis.json`, `sites.json`, `figures/` and the record, `experiment.json`.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  type ExperimentAnalysis,
  type ExperimentRecord,
  experimentFigures,
  parseExperimentRecord,
  type RunRecord,
  runRecordSchema,
  siteDifferences,
  type TestLedger,
  testLedgerSchema,
} from '@consilium/study';
import { makeDirectory, writeDurably } from '@consilium/transport';
import { CliError } from './cli-error.ts';

export class ExperimentDirectory {
  readonly path: string;

  static async open(path: string): Promise<ExperimentDirectory> {
    await makeDirectory(join(path, 'runs'));
    return new ExperimentDirectory(path);
  }

  /** @throws CliError `cli.no-experiment` */
  static async finished(path: string): Promise<ExperimentRecord> {
    const file = join(path, 'experiment.json');
    if (!existsSync(file)) {
      throw new CliError(
        'cli.no-experiment',
        `${path} holds no experiment that came to its end. Run it: consilium experiment run`,
      );
    }
    return parseExperimentRecord(await readJson(file));
  }

  private constructor(path: string) {
    this.path = path;
  }

  /** Undefined unless the run was completed. */
  async run(digest: string): Promise<RunRecord | undefined> {
    const kept = await readJson(join(this.path, 'runs', `${digest}.json`));
    const { data } = runRecordSchema.safeParse(kept);
    return data?.state === 'completed' ? data : undefined;
  }

  /** Runs that another experiment has done are not done again where this one wants them. */
  async takeRunsOf(other: ExperimentDirectory): Promise<void> {
    for (const name of await readdir(join(other.path, 'runs'))) {
      const run = await other.run(basename(name, '.json'));
      if (run !== undefined && (await this.run(run.digest)) === undefined) await this.keepRun(run);
    }
  }

  keepRun(run: RunRecord): Promise<void> {
    return this.#write(`runs/${run.digest}.json`, run);
  }

  async ledger(): Promise<TestLedger> {
    const kept = await readJson(join(this.path, 'test-ledger.json'));
    if (kept === undefined) return { looks: [] };
    const { data } = testLedgerSchema.safeParse(kept);
    if (data !== undefined) return data;
    throw new CliError(
      'cli.settings-damaged',
      `${join(this.path, 'test-ledger.json')} cannot be read. It says what was tested: restore it.`,
    );
  }

  keepLedger(ledger: TestLedger): Promise<void> {
    return this.#write('test-ledger.json', ledger);
  }

  /** `experiment.json` last: where it is, all is. */
  async keepResult(record: ExperimentRecord, analysis: ExperimentAnalysis): Promise<void> {
    const differences = siteDifferences(record);
    await makeDirectory(join(this.path, 'figures'));
    for (const { csv, name, svg } of await experimentFigures(analysis, differences)) {
      await writeDurably(join(this.path, 'figures', `${name}.svg`), svg);
      await writeDurably(join(this.path, 'figures', `${name}.csv`), csv);
    }
    await this.#write('sites.json', differences);
    await this.#write('analysis.json', analysis);
    await this.#write('experiment.json', record);
  }

  async #write(name: string, value: unknown): Promise<void> {
    await writeDurably(join(this.path, name), `${JSON.stringify(value, null, 1)}\n`);
  }
}

/** undefined where there is no file, or none that is JSON. */
async function readJson(path: string): Promise<unknown> {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}
