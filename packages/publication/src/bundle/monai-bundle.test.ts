import { inflateRawSync } from 'node:zlib';
import { nodeRuntime } from '@consilium/engine/node';
import { inMemory } from '@consilium/imaging';
import { predict } from '@consilium/training';
import { describe, expect, it } from 'vitest';
import truth from '../recorded/monai.json' with { type: 'json' };
import { type ToyKind, toyImage, toyKinds, toyModel } from '../toy-model.fixture.ts';
import { monaiBundle } from './monai-bundle.ts';
import { readPublishedModel } from './published-model.ts';

const facts = {
  title: 'A toy',
  version: '1.0.0',
  description: 'd',
  authors: 'a',
  copyright: 'c',
  intendedUse: 'i',
  dataSource: 's',
  evaluation: {},
};
const recorded = truth.recorded as Readonly<Record<string, { readonly monai: string; readonly onnx: string }>>;
const unpacked = (text: string) => new Uint8Array(inflateRawSync(Buffer.from(text, 'base64')));

describe('a MONAI bundle', () => {
  it.each(toyKinds.flatMap((kind) => [undefined, 'nephrographic' as const].map((phase) => ({ kind, phase }))))(
    'of a $kind ($phase) gives in MONAI and in Python’s ONNX Runtime what we predict, on 99.9 % of voxels',
    async ({ kind, phase }: { kind: ToyKind; phase: 'nephrographic' | undefined }) => {
      const { model, plan } = await toyModel(kind);
      const image = toyImage();
      const ours = await predict({
        ...{ runtime: nodeRuntime(), model, plan, image },
        ...(phase === undefined ? {} : { phase }),
      });
      expect(new Set(ours.voxels).size).toBeGreaterThan(1);
      for (const theirs of Object.values(recorded[`${kind} ${phase ?? 'any phase'}`]!).map(unpacked)) {
        expect(theirs.length).toBe(ours.voxels.length);
        const same = ours.voxels.reduce((sum, value, index) => sum + (value === theirs[index] ? 1 : 0), 0);
        expect(same / theirs.length).toBeGreaterThanOrEqual(0.999);
      }
    },
  );

  it('is read again as the same model', async () => {
    const model = await toyModel('unet');
    const files = [...monaiBundle(model, facts)].map(([path, bytes]) => [path, inMemory(bytes)] as const);
    const again = await readPublishedModel(new Map(files));
    expect(again.weightsSha256).toBe(model.weightsSha256);
    expect(again.plan).toEqual(model.plan);
  });

  it('says in metadata.json and inference.json what MONAI asks of a bundle', async () => {
    const files = monaiBundle(await toyModel('unet'), facts);
    const json = (path: string) => JSON.parse(new TextDecoder().decode(files.get(path)));
    const wanted = ['version', 'changelog', 'monai_version', 'pytorch_version', 'numpy_version', 'task', 'description'];
    expect(Object.keys(json('configs/metadata.json'))).toEqual(
      expect.arrayContaining([...wanted, 'authors', 'copyright', 'network_data_format', 'required_packages_version']),
    );
    expect(json('configs/metadata.json').network_data_format.outputs.pred.channel_def).toEqual({
      '0': 'background',
      '1': 'kidney',
      '2': 'tumour',
    });
    expect(json('configs/inference.json').run).toEqual(['$@evaluator.run()']);
  });
});
