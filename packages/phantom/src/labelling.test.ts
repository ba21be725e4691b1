import { createRandom } from '@consilium/numerics';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Grid } from './canvas.ts';
import { drawLabels } from './labelling.ts';
import { drawPatient, type Patient } from './patient.ts';
import { type LabellingHabit, type SiteProfile, siteProfiles } from './site-profile.ts';
import { referenceLabels, type Truth, truthOf } from './truth.ts';

const grid: Grid = { size: [38, 76, 112], spacingMm: [4, 3, 3], firstMm: [-166.5, -130, -75] };
const careful: LabellingHabit = {
  cysts: 'separate',
  tumourOffsetMm: 0,
  kidneyOffsetMm: 0,
  jitterMm: 0,
  drawnEvery: 1,
  missedBelowMl: 0,
  kidneySmoothingMm: 0,
};

interface Drawn {
  readonly patient: Patient;
  readonly truth: Truth;
  readonly reference: Uint8Array;
}

function patientsOf(profile: SiteProfile, count: number): Drawn[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(5, profile.name, index);
    const patient = drawPatient(profile, random);
    const truth = truthOf(patient, grid, random.fork('truth'));
    return { patient, truth, reference: referenceLabels(truth, grid) };
  });
}

const labelled = ({ truth }: Drawn, habit: Partial<LabellingHabit>): Uint8Array =>
  drawLabels(truth, grid, { ...careful, ...habit }, createRandom(9, 'labels'));

function count(labels: Uint8Array, ...classes: number[]): number {
  let found = 0;
  for (const value of labels) if (classes.includes(value)) found++;
  return found;
}

function dice(a: Uint8Array, b: Uint8Array, ...classes: number[]): number {
  let both = 0;
  for (let at = 0; at < a.length; at++) {
    if (classes.includes(a[at] as number) && classes.includes(b[at] as number)) both++;
  }
  const sum = count(a, ...classes) + count(b, ...classes);
  return sum === 0 ? 1 : (2 * both) / sum;
}

const differing = (a: Uint8Array, b: Uint8Array): number => a.filter((value, at) => value !== b[at]).length;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('labelling habits', () => {
  let patients: Drawn[];
  let withCysts: Drawn[];

  beforeAll(() => {
    patients = patientsOf(siteProfiles[1] as SiteProfile, 12);
    withCysts = patients.filter(({ reference }) => count(reference, 3) > 0);
  });

  it('without any habit give the truth', () => {
    for (const drawn of patients) expect(differing(labelled(drawn, {}), drawn.reference)).toBe(0);
  });

  it('of each site change the Dice of kidney and masses, and of tumours, to a mean within 0.85 and 1', () => {
    for (const profile of siteProfiles) {
      const scores = patientsOf(profile, 5).map((drawn) => {
        const label = labelled(drawn, { ...profile.labelling, cysts: 'separate', missedBelowMl: 0 });
        return { all: dice(label, drawn.reference, 1, 2, 3), tumour: dice(label, drawn.reference, 2) };
      });
      for (const region of ['all', 'tumour'] as const) {
        const score = mean(scores.map((each) => each[region]));
        expect(score, `${profile.name} ${region}`).toBeGreaterThan(0.85);
        expect(score, `${profile.name} ${region}`).toBeLessThan(1);
      }
    }
  });

  it('over- and under-draw by about the stated millimetres', () => {
    for (const offset of [-0.9, 1.2]) {
      const ratios = patients.map((drawn) => {
        const volume = count(labelled(drawn, { tumourOffsetMm: offset }), 2) / count(drawn.reference, 2);
        const radius = mean(
          drawn.patient.masses.filter(({ kind }) => kind === 'tumour').map(({ diameterMm }) => diameterMm / 2),
        );
        return (Math.cbrt(volume) - 1) * radius;
      });
      expect(Math.abs(mean(ratios) - offset)).toBeLessThan(0.45);
    }
  });

  it('call cysts what the site calls them', () => {
    expect(withCysts.length).toBeGreaterThan(2);
    for (const drawn of withCysts) {
      const cysts = count(drawn.reference, 3);
      expect(count(labelled(drawn, { cysts: 'separate' }), 3)).toBe(cysts);
      expect(count(labelled(drawn, { cysts: 'tumour' }), 2)).toBe(count(drawn.reference, 2) + cysts);
      expect(count(labelled(drawn, { cysts: 'kidney' }), 1)).toBe(count(drawn.reference, 1) + cysts);
      expect(count(labelled(drawn, { cysts: 'ignored' }), 0)).toBe(count(drawn.reference, 0) + cysts);
    }
  });

  it('miss tumours below the stated volume, and only those', () => {
    for (const drawn of patients) {
      const volumes = drawn.truth.masses.filter(({ mass }) => mass.kind === 'tumour').map(({ volumeMl }) => volumeMl);
      expect(count(labelled(drawn, { missedBelowMl: Math.max(...volumes) + 0.01 }), 2)).toBe(0);
      expect(differing(labelled(drawn, { missedBelowMl: Math.min(...volumes) - 0.01 }), drawn.reference)).toBe(0);
    }
  });

  it('drawn on every third slice stay close to the truth and agree with it on the drawn slices', () => {
    for (const drawn of patients) {
      const score = dice(labelled(drawn, { drawnEvery: 3 }), drawn.reference, 1, 2, 3);
      expect(score).toBeGreaterThan(0.9);
      expect(score).toBeLessThan(1);
    }
  });

  it('that smooth the kidney fill the hilum', () => {
    for (const drawn of patients) {
      expect(count(labelled(drawn, { kidneySmoothingMm: 4 }), 1)).toBeGreaterThan(1.02 * count(drawn.reference, 1));
    }
  });
});
