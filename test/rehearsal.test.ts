/** The `consilium` command as a person runs it, small: real processes, real training, synthetic patients. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ArchiveService, serviceSettingsOf } from '@consilium/archive';
import { decodeModel, weightsOf } from '@consilium/engine';
import { decodeSafetensors } from '@consilium/numerics';
import { parsePlan } from '@consilium/training';
import { afterAll, describe, expect, it } from 'vitest';
import { writeTinyPatients } from './tiny-patients.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-rehearsal-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const main = resolve(import.meta.dirname, '../packages/cli/src/main.ts');
const small = ['--sites', '2', '--studies', '4', '--rounds', '2', '--steps', '2', '--seed', '5'];

interface Run {
  readonly code: number | null;
  readonly signal: string | null;
  readonly events: readonly Record<string, unknown>[];
  readonly stderr: string;
}

/** Runs the command; `watch` sees each event as it comes and may act on the process. */
function consilium(
  args: readonly string[],
  watch: (event: Record<string, unknown>, child: ChildProcess) => void = () => {},
): Promise<Run> {
  const child = spawn(process.execPath, ['--conditions=consilium-source', main, ...args], { cwd: root });
  const events: Record<string, unknown>[] = [];
  let stderr = '';
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines.filter((each) => each.startsWith('{'))) {
      const event = JSON.parse(line);
      events.push(event);
      watch(event, child);
    }
  });
  return new Promise((resolveRun) => {
    child.on('close', (code, signal) => resolveRun({ code, signal, events, stderr }));
  });
}

const rehearsal = (out: string, ...more: readonly string[]) => [
  'rehearse',
  ...more,
  '--json',
  '--out',
  join(root, out),
];
const bytes = (out: string, file: string) => readFileSync(join(root, out, file));
const json = (out: string, file: string) => JSON.parse(bytes(out, file).toString('utf8'));

describe('consilium rehearse', () => {
  it('ends with a model, numbers and a report', async () => {
    const run = await consilium(rehearsal('whole', ...small));
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    expect(run.events.filter(({ type, job }) => type === 'round' && job === 'federated')).toHaveLength(2);

    const summary = json('whole', 'summary.json');
    expect(summary).toMatchObject({
      synthetic: true,
      seed: 5,
      rounds: 2,
      stopReason: expect.stringContaining('rounds'),
    });
    for (const arm of ['federated', 'local', 'pooled']) {
      expect(summary[arm].meanDice).toBeGreaterThanOrEqual(summary[arm].low);
      expect(summary[arm].meanDice).toBeLessThanOrEqual(summary[arm].high);
    }
    // Every model on every site's test cases, in three regions: 4 models, 2 sites with one case each.
    expect(bytes('whole', 'metrics.csv').toString().trim().split('\n')).toHaveLength(1 + 4 * 2 * 3);
    expect(bytes('whole', 'report.html').toString()).toContain('SYNTHETIC');

    const plan = parsePlan(json('whole', 'model/plan.json'));
    const weights = decodeSafetensors(bytes('whole', 'model/weights.safetensors')).tensors;
    const model = decodeModel(bytes('whole', 'model/model.onnx'));
    expect(plan.patchSize).toHaveLength(3);
    expect(new Map(weightsOf(model))).toEqual(new Map(weights));
    const federated = json('whole', 'record.json').jobs.find(({ id }: { id: string }) => id === 'federated');
    const sha256 = createHash('sha256').update(bytes('whole', 'model/weights.safetensors')).digest('hex');
    expect(federated.weightsSha256).toBe(sha256);
  });

  it('sends nothing to the coordinator but weights and numbers', () => {
    const blobs = readdirSync(join(root, 'whole/coordinator/blobs/chunks'), { recursive: true, withFileTypes: true });
    for (const file of blobs.filter((each) => each.isFile())) {
      const content = readFileSync(join(file.parentPath, file.name));
      const parsed = content[0] === 0x08 ? decodeModel(content).parameters : decodeSafetensors(content).tensors;
      expect(parsed.size).toBeGreaterThan(0);
    }
    const ledger = bytes('whole', 'coordinator/ledger.sqlite').toString('latin1');
    expect(ledger).not.toMatch(/SYNTH-s|study-0|nii\.gz/);
  });

  it('gives the same bytes for the same seed, also when it is killed and resumed', async () => {
    let killed = false;
    const killOnce = (event: Record<string, unknown>, child: ChildProcess) => {
      if (event['type'] !== 'round' || event['job'] !== 'federated' || killed) return;
      killed = true;
      child.kill('SIGKILL');
    };
    const cut = await consilium(rehearsal('cut', ...small), killOnce);
    expect(cut.signal).toBe('SIGKILL');
    expect(existsSync(join(root, 'cut/summary.json'))).toBe(false);

    const resumed = await consilium(rehearsal('cut', '--resume'));
    expect(resumed.code).toBe(0);
    for (const job of ['federated', 'pooled', 'local-site-1', 'local-site-2']) {
      const sha256 = (out: string) =>
        json(out, 'record.json').jobs.find(({ id }: { id: string }) => id === job).weightsSha256;
      expect(sha256('cut'), job).toBe(sha256('whole'));
    }
    expect(bytes('cut', 'model/weights.safetensors').equals(bytes('whole', 'model/weights.safetensors'))).toBe(true);
    expect(json('cut', 'metrics.json').scores).toEqual(json('whole', 'metrics.json').scores);
  });

  it('stops cleanly at Ctrl-C and says how to go on', async () => {
    const run = await consilium(rehearsal('stopped', ...small), (event, child) => {
      if (event['type'] === 'step') child.kill('SIGINT');
    });
    expect(run.code).toBe(130);
    expect(run.events.at(-1)).toMatchObject({ type: 'warning', text: expect.stringContaining('--resume') });
  });

  it('refuses a directory that is taken, an option out of range, and a resume of nothing, and changes nothing', async () => {
    const before = readdirSync(join(root, 'whole')).sort();
    const taken = await consilium(rehearsal('whole', ...small));
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringContaining('cli.directory-taken')]);
    expect(readdirSync(join(root, 'whole')).sort()).toEqual(before);
    const option = await consilium(rehearsal('new', '--sites', '1'));
    expect([option.code, option.stderr]).toEqual([2, expect.stringContaining('--sites')]);
    const nothing = await consilium(rehearsal('new', '--resume'));
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('cli.nothing-to-resume')]);
    expect(existsSync(join(root, 'new'))).toBe(false);
  });

  it('trains on a cohort of an archive, whose patients are dealt to pretended hospitals', async () => {
    const incoming = join(root, 'incoming');
    writeTinyPatients(incoming, { site: 1, count: 6 });
    const archive = join(root, 'archive');
    {
      await using service = await ArchiveService.open(archive, serviceSettingsOf({ project: 'kidney' }));
      await service.archive.intake.importFolder(incoming);
      await service.archive.series.settle();
      expect(await service.archive.cohorts.freeze('renal', 'labelled = yes')).toMatchObject({ included: 6 });
    }
    const settings = ['--sites', '2', '--rounds', '2', '--steps', '1', '--seed', '5'];
    const run = await consilium(rehearsal('dealt', '--data', archive, '--cohort', 'renal@1', ...settings));
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    expect(run.events.filter(({ type, job }) => type === 'round' && job === 'federated')).toHaveLength(2);
    expect(json('dealt', 'summary.json').synthetic).toBe(false);
    expect(json('dealt', 'record.json').sites).toHaveLength(2);
    // Nothing of the archive but numbers and weights reaches the coordinator: no pseudonym, no UID.
    const ledger = bytes('dealt', 'coordinator/ledger.sqlite').toString('latin1');
    expect(ledger).not.toMatch(/SUB-[0-9A-Z]{10}|2\.25\.\d{20}/);
  }, 180_000);

  it('goes on without what cannot be used, and names it', async () => {
    const data = join(root, 'data');
    const made = await consilium(['phantom', data, '--sites', '3', '--studies', '4']);
    expect(made.code).toBe(0);
    const broken = join(data, 'site-1/study-002/image.nii.gz');
    truncateSync(broken, 10_000);
    rmSync(join(data, 'site-3'), { recursive: true });
    mkdirSync(join(data, 'site-3'));
    const run = await consilium(rehearsal('broken', '--data', data, '--rounds', '1', '--steps', '1'));
    expect(run.code).toBe(0);
    const warnings = run.events.filter(({ type }) => type === 'warning').map(({ text }) => String(text));
    expect(warnings).toEqual([
      expect.stringMatching(/^site-3 is left out of fingerprint/),
      expect.stringMatching(/^site-1 leaves out study-002: the compressed data is damaged/),
    ]);
    expect(json('broken', 'summary.json').synthetic).toBe(true);
    expect(json('broken', 'record.json').sites.map(({ excluded }: { excluded: unknown[] }) => excluded.length)).toEqual(
      [1, 0, 1],
    );
  });
});
