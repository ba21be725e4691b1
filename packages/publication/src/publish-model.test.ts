import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { modelCardText } from './cards/model-card-text.ts';
import { aboutOfRehearsal, parseAbout } from './crate/about.ts';
import { checkCrate } from './crate/crate-check.ts';
import { keyIdOf, signManifest } from './crate/signed-manifest.ts';
import { experimentFiles } from './experiment-files.ts';
import { jsonBytes, utf8 } from './file-tree.ts';
import { MemorySink, treeOf } from './memory-sink.fixture.ts';
import { type ModelPublication, publishModel } from './publish-model.ts';
import { toyAbout } from './toy-about.fixture.ts';
import { toyModel } from './toy-model.fixture.ts';
import { toyRecord } from './toy-record.fixture.ts';

const key = generateKeyPairSync('ed25519').privateKey;
const model = await toyModel('unet');

async function published(change: Partial<ModelPublication> = {}) {
  const sink = new MemorySink();
  const record = toyRecord(model.weightsSha256);
  const rehearsal = ['--seed', '7', '--studies', '8'];
  const { manifest, card } = await publishModel(
    sink,
    {
      ...{ about: toyAbout, model, record, rehearsal, withPictures: false },
      ...{ extras: [], software: { consilium: '0.1.0' }, ...change },
    },
    key,
  );
  return { sink, manifest, card };
}
const whole = await published();

interface Graph {
  readonly '@graph': readonly Readonly<Record<string, unknown>>[];
}

describe('the crate of a model', () => {
  it('is found whole, and signed by the key that signed it', async () => {
    const keyId = keyIdOf(whole.manifest);
    expect(await checkCrate(whole.sink.tree, keyId)).toMatchObject({
      faults: [],
      keyId,
      name: 'A toy',
      version: '1.2.3',
    });
  });

  it('has the same bytes from the same inputs', async () => {
    const again = await published();
    expect([...again.sink.files]).toEqual([...whole.sink.files]);
  });

  it('describes each file for RO-Crate, with its hash, and the root with people, licence and date', () => {
    const graph = whole.sink.json<Graph>('ro-crate-metadata.json')['@graph'];
    const byId = new Map(graph.map((entity) => [entity['@id'], entity]));
    for (const [path, { sha256, bytes }] of Object.entries(whole.manifest.files)) {
      if (path.startsWith('ro-crate-')) continue;
      expect(byId.get(path), path).toMatchObject({ '@type': 'File', sha256, contentSize: String(bytes) });
    }
    expect(byId.get('./')).toMatchObject({
      '@type': 'Dataset',
      datePublished: '2026-11-26',
      license: { '@id': 'https://spdx.org/licenses/CC-BY-4.0' },
      author: { '@id': 'https://orcid.org/0000-0002-1825-0097' },
    });
    expect(byId.get('https://orcid.org/0000-0002-1825-0097')).toMatchObject({ '@type': 'Person', name: 'Ada Example' });
  });

  it.each([
    ['a file less', (files: Map<string, Uint8Array>) => files.delete('model/plan.json'), 'missing', 'model/plan.json'],
    ['a file more', (files: Map<string, Uint8Array>) => files.set('extra.txt', utf8('x')), 'unlisted', 'extra.txt'],
    [
      'a bit of the weights turned',
      (files: Map<string, Uint8Array>) => {
        const bytes = files.get('model/weights.safetensors')!.slice();
        bytes[bytes.length - 1]! ^= 1;
        files.set('model/weights.safetensors', bytes);
      },
      'altered',
      'model/weights.safetensors',
    ],
    [
      'a manifest that was mended after a change',
      (files: Map<string, Uint8Array>) => {
        files.set('manifest.json', utf8(whole.sink.text('manifest.json').replace('"A toy"', '"Another"')));
      },
      'unsigned',
      'manifest.json',
    ],
  ])('is found out with %s', async (_, change, fault, what) => {
    const files = new Map(whole.sink.files);
    change(files);
    expect((await checkCrate(treeOf(files))).faults).toContainEqual({ fault, what });
  });

  it('is found out when another key signed it', async () => {
    expect((await checkCrate(whole.sink.tree, '0'.repeat(64))).faults).toEqual([
      { fault: 'other-key', what: 'manifest.json' },
    ]);
  });

  it('is found out when its metadata leave a file out', async () => {
    const sink = new MemorySink();
    const other = generateKeyPairSync('ed25519').privateKey;
    const metadata = utf8(
      '{"@graph": [{"@id": "ro-crate-metadata.json", "@type": "CreativeWork"}, {"@id": "./", "@type": "Dataset", "name": "x"}]}',
    );
    const sha256 = createHash('sha256').update(metadata).digest('hex');
    const files = { 'ro-crate-metadata.json': { bytes: metadata.length, sha256 } };
    await sink.write('ro-crate-metadata.json', metadata);
    await sink.write(
      'manifest.json',
      utf8(JSON.stringify(signManifest({ name: 'x', version: '1.0.0', files }, other))),
    );
    const faults = (await checkCrate(sink.tree)).faults.map(({ fault, what }) => `${fault}: ${what}`);
    expect(faults).toContain('metadata: license of the root data entity');
  });

  it('is none where there is no manifest', async () => {
    await expect(checkCrate(treeOf(new Map([['manifest.json', utf8('{}')]])))).rejects.toMatchObject({
      code: 'publication.not-a-crate',
    });
  });

  it('has a script that asks for the same weights from the seed', () => {
    expect(whole.sink.text('methodology/reproduce.sh')).toContain(
      'npm run rehearse -- --seed 7 --studies 8 --out reproduced',
    );
    expect(whole.sink.text('methodology/reproduce.sh')).toContain(`${model.weightsSha256}  reproduced/`);
  });
});

describe('the model card', () => {
  it('tells results by site, but not those of few patients, nor the site that would give them away', () => {
    const groups = whole.card.evaluation!.subgroups.map(({ group, kind }) => [group, kind]);
    expect(groups).toEqual([
      ['north', 'told'],
      ['south', 'suppressed'],
      ['west', 'suppressed'],
    ]);
    expect(whole.sink.text('model-card.md')).toContain('| site | west | few | not told: too few patients |');
  });

  it('says region by region how far its probabilities are from what they say', () => {
    const { calibrationError } = whole.card.evaluation!;
    expect(Object.keys(calibrationError)).toEqual(Object.keys(whole.card.evaluation!.dice));
    expect(whole.sink.text('model-card.md')).toMatch(/\| kidney \| 0\.7\d\d \(.*\) \| 0\.050 \(0\.050 to 0\.050\) \|/);
    const unknown = { ...whole.card, evaluation: { ...whole.card.evaluation!, calibrationError: {} } };
    expect(modelCardText(unknown)).toMatch(/\| region \| Dice \|\n/);
    expect(modelCardText(unknown)).not.toMatch(/calibration/i);
  });

  it('says what nobody has said, what privacy cost, and that patients were synthetic', () => {
    const text = whole.sink.text('model-card.md');
    expect(text).toContain('**Out of scope.** *Not stated.*');
    expect(text).toContain('Each hospital spent ε = 3 of 8.');
    expect(text).toContain('> **Synthetic.**');
  });

  it('says that nothing is recorded of a model that comes alone', async () => {
    const { card, sink } = await published({ record: undefined, rehearsal: undefined });
    expect(card.training).toBeNull();
    expect(sink.text('model-card.md')).toContain('How it was trained and tested is not recorded with it.');
    expect(sink.files.has('methodology/report.html')).toBe(false);
  });
});

describe('what is published of real patients', () => {
  const real = published({ record: toyRecord(model.weightsSha256, { synthetic: false }), rehearsal: undefined });

  it('holds no name that a site gave, no picture and no path of a disk', async () => {
    const { sink } = await real;
    for (const path of sink.files.keys()) {
      expect(sink.text(path), path).not.toMatch(/Meyer|Huber|Rossi|\/home\/hospital|iVBORw0KGgo/);
    }
    expect(sink.text('methodology/metrics.csv')).toContain('patient-1,case-1');
  });

  it('holds pictures where those who publish say so', async () => {
    const record = toyRecord(model.weightsSha256, { synthetic: false });
    const { sink } = await published({ record, rehearsal: undefined, withPictures: true });
    expect(sink.text('methodology/report.html')).toContain('iVBORw0KGgo');
  });
});

describe('what people say of a publication', () => {
  it('is refused with the field that is wrong', () => {
    expect(() => parseAbout({ ...toyAbout, version: 'first' })).toThrow(
      expect.objectContaining({
        code: 'publication.about-malformed',
        message: expect.stringContaining('about.version'),
      }),
    );
  });

  it('is asked for unless all patients are synthetic', () => {
    expect(aboutOfRehearsal(toyRecord('0'.repeat(64))).title).toBe('A toy project');
    const missing = expect.objectContaining({ code: 'publication.about-missing' });
    expect(() => aboutOfRehearsal(toyRecord('0'.repeat(64), { synthetic: false }))).toThrow(missing);
    expect(() => aboutOfRehearsal(undefined)).toThrow(missing);
  });
});

describe('an experiment that is published', () => {
  const record = {
    synthetic: false,
    command: 'consilium experiment run --out /home/hospital/widths',
    scores: [{ siteId: 'north', case: 'Meyer-1-ct', patient: 'Meyer-1', groups: { sex: 'female' }, regions: {} }],
  };
  const names = ['analysis.json', 'figures/curve.svg', 'runs/0123.json'];
  const rest = names.map((name) => [name, utf8('{}')] as const);

  it('has its record, what it says and its figures, and of patients neither names nor groups', async () => {
    const files = await experimentFiles('widths', treeOf(new Map([['experiment.json', jsonBytes(record)], ...rest])));
    expect(files.map(({ path }) => path)).toEqual([
      'methodology/experiments/widths/experiment.json',
      'methodology/experiments/widths/analysis.json',
      'methodology/experiments/widths/figures/curve.svg',
    ]);
    const text = new TextDecoder().decode(files[0]!.bytes);
    expect(text).not.toMatch(/Meyer|female|\/home/);
    expect(JSON.parse(text).scores[0]).toMatchObject({ patient: 'patient-1', case: 'case-1', siteId: 'north' });
  });

  it('of synthetic patients stays as it is', async () => {
    const synthetic = jsonBytes({ ...record, synthetic: true });
    const [file] = await experimentFiles('widths', treeOf(new Map([['experiment.json', synthetic]])));
    expect(new TextDecoder().decode(file!.bytes)).toContain('Meyer-1-ct');
  });

  it('has come to its end', async () => {
    const unfinished = { code: 'publication.experiment-unfinished' };
    await expect(experimentFiles('widths', new Map())).rejects.toMatchObject(unfinished);
    await expect(experimentFiles('widths', treeOf(new Map([['experiment.json', utf8('{')]])))).rejects.toMatchObject(
      unfinished,
    );
  });
});
