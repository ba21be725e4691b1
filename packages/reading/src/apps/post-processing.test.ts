/** What is done to a model's label, on labels small enough to be looked at. */
import type { Triple } from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { type BuiltInStep, postStepSchema } from './model-step.ts';
import { type LabelledCase, postProcess } from './post-processing.ts';

const structures = [
  { number: 1, name: 'Kidney', layer: 0 },
  { number: 2, name: 'Tumour', layer: 0 },
  { number: 3, name: 'Vessel', layer: 1 },
];

/** Slices of rows of digits, `.` for background; a layer each. */
function labelOf(layers: readonly (readonly string[])[], spacingMm: Triple = [1, 1, 1]): LabelledCase {
  const rows = layers[0]![0]!.split('\n');
  const size: Triple = [layers[0]!.length, rows.length, rows[0]!.length];
  const voxels = layers.map((slices) =>
    Uint8Array.from(slices.join('\n').replaceAll('\n', ''), (digit) => (digit === '.' ? 0 : Number(digit))),
  );
  return { layers: voxels, geometry: { size, spacingMm }, structures };
}

function drawn({ geometry: { size } }: LabelledCase, voxels: Uint8Array): readonly string[] {
  const text = [...voxels].map((value) => (value === 0 ? '.' : String(value))).join('');
  const row = (from: number) => text.slice(from, from + size[2]);
  return Array.from({ length: size[0] }, (_, z) =>
    Array.from({ length: size[1] }, (_, y) => row((z * size[1] + y) * size[2])).join('\n'),
  );
}

function after(slices: readonly string[], step: object, spacingMm?: Triple): readonly string[] {
  const label = labelOf([slices], spacingMm);
  return drawn(label, postProcess(label, [postStepSchema.parse(step) as BuiltInStep])[0]!);
}

describe('steps on a label', () => {
  it('keep the largest pieces of each structure, or of several as one', () => {
    const slice = ['11...1', '11.221', '....2.', '1.....'].join('\n');
    expect(after([slice], { do: 'keep-largest', structures: ['kidney'] })).toEqual([
      ['11....', '11.22.', '....2.', '......'].join('\n'),
    ]);
    expect(after([slice], { do: 'keep-largest', structures: ['Kidney'], pieces: 2 })).toEqual([
      ['11...1', '11.221', '....2.', '......'].join('\n'),
    ]);
    const together = { do: 'keep-largest', structures: ['Kidney', 'Tumour'], together: true };
    expect(after([slice], together)).toEqual([['.....1', '...221', '....2.', '......'].join('\n')]);
  });

  it('take voxels that touch at an edge or a corner for one piece', () => {
    const slices = ['1...', '.1..', '..11'].map((row) => [row, '....'].join('\n'));
    expect(after(slices, { do: 'keep-largest', structures: ['Kidney'] })).toEqual(slices);
  });

  it('remove islands by their volume in mm³, not by their voxels', () => {
    const slice = ['11..2', '1...2', '.....'].join('\n');
    const step = { do: 'remove-islands', structures: ['Kidney', 'Tumour'], belowMm3: 12 };
    expect(after([slice], step, [2, 2, 1])).toEqual([['11...', '1....', '.....'].join('\n')]);
    expect(after([slice], step, [2, 2, 2])).toEqual([slice]);
    expect(after([slice], step)).toEqual([['.....', '.....', '.....'].join('\n')]);
  });

  it('fill holes but not what another structure holds, in the volume or slice by slice', () => {
    const full = ['111111', '111111', '111111', '111111'].join('\n');
    const ring = ['111111', '1..121', '111111', '......'].join('\n');
    const filled = ['111111', '111121', '111111', '......'].join('\n');
    const step = { do: 'fill-holes', structures: ['Kidney'] };
    // A tunnel is no hole of the volume, but one of each of its slices.
    expect(after([ring, ring], step)).toEqual([ring, ring]);
    expect(after([ring, ring], { ...step, in: 'slices' })).toEqual([filled, filled]);
    expect(after([full, ring, full], step)).toEqual([full, filled, full]);
    // What is open to the side stays open.
    const open = ['111.', '1...', '111.'].join('\n');
    expect(after([open], { ...step, in: 'slices' })).toEqual([open]);
  });

  it('keep what touches, or lies near, another structure; all of it if that one is missing', () => {
    const slice = ['11....2', '1.2...2', '.......'].join('\n');
    const touching = { do: 'keep-touching', structures: ['Tumour'], of: ['Kidney'] };
    expect(after([slice], touching)).toEqual([['11.....', '1.2....', '.......'].join('\n')]);
    const near = { do: 'keep-near', structures: ['Tumour'], of: ['Kidney'], withinMm: 4 };
    expect(after([slice], near)).toEqual([['11.....', '1.2....', '.......'].join('\n')]);
    expect(after([slice], { ...near, withinMm: 5.5 })).toEqual([slice]);
    const alone = ['..2', '...'].join('\n');
    expect(after([alone], touching)).toEqual([alone]);
    expect(after([alone], near)).toEqual([alone]);
  });

  it('keep to the patient: not in the air, not on the table, but in the lungs and the bowel', () => {
    const label = labelOf([[Array(6).fill('2222222').join('\n')]]);
    const tissue = ['.......', '.#####.', '.#..##.', '.#####.', '.......', '.......'].join('');
    // The last row is a table that is apart from the patient.
    const hu = [...tissue].map((sign): number => (sign === '#' ? 40 : -950));
    hu[38] = 300;
    const step = postStepSchema.parse({ do: 'inside-body', structures: ['Tumour'] }) as BuiltInStep;
    const [voxels] = postProcess({ ...label, image: Int16Array.from(hu) }, [step]);
    expect(drawn(label, voxels!)).toEqual([
      ['.......', '.22222.', '.22222.', '.22222.', '.......', '.......'].join('\n'),
    ]);
    expect(() => postProcess(label, [step])).toThrow(expect.objectContaining({ code: 'reading.app-structure' }));
  });

  it('go through layers that overlap, and leave those alone that they do not name', () => {
    const label = labelOf([[['11..1'].join('\n')], [['3.3.3'].join('\n')]]);
    const step = postStepSchema.parse({ do: 'keep-largest', structures: ['Kidney'] }) as BuiltInStep;
    const [first, second] = postProcess(label, [step]);
    expect([drawn(label, first!), second]).toEqual([['11...'], label.layers[1]]);
    expect(second).toBe(label.layers[1]);
    expect(drawn(label, label.layers[0]!)).toEqual(['11..1']);
  });

  it('are refused if they name a structure that is not drawn', () => {
    const step = postStepSchema.parse({ do: 'keep-largest', structures: ['Spleen'] }) as BuiltInStep;
    expect(() => postProcess(labelOf([['1']]), [step])).toThrow(
      expect.objectContaining({ code: 'reading.app-structure' }),
    );
  });
});
