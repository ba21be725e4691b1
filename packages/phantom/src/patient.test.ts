import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { drawPatient } from './patient.ts';
import { type SiteProfile, siteProfiles } from './site-profile.ts';
import { phases } from './tissue.ts';

const drawn = (profile: SiteProfile, count: number) =>
  Array.from({ length: count }, (_, index) => drawPatient(profile, createRandom(11, profile.name, index)));

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(share * values.length)] as number;

describe('patients', () => {
  it.each(siteProfiles.map((profile) => [profile.name, profile] as const))(
    'of %s follow the stated mix',
    (_, profile) => {
      const patients = drawn(profile, 900);
      const tumours = patients.flatMap(({ masses }) => masses.filter((mass) => mass.kind === 'tumour'));
      const diameters = tumours.map((tumour) => tumour.diameterMm);
      const { medianMm, sdLog } = profile.patients.tumourDiameter;
      expect(quantile(diameters, 0.5) / medianMm).toBeGreaterThan(0.92);
      expect(quantile(diameters, 0.5) / medianMm).toBeLessThan(1.08);
      expect(Math.min(...diameters)).toBeGreaterThanOrEqual(10);
      expect(Math.max(...diameters)).toBeLessThanOrEqual(110);
      const spread = Math.log(quantile(diameters, 0.84) / quantile(diameters, 0.16)) / 2;
      expect(spread / sdLog).toBeGreaterThan(0.88);
      expect(spread / sdLog).toBeLessThan(1.12);
      for (const phase of phases) {
        const share = patients.filter(({ contrast }) => contrast.phase === phase).length / patients.length;
        expect(Math.abs(share - profile.protocol.phases[phase])).toBeLessThan(0.05);
      }
      const clearCell = tumours.filter(({ subtype }) => subtype === 'clear-cell').length / tumours.length;
      expect(Math.abs(clearCell - profile.patients.subtypes['clear-cell'])).toBeLessThan(0.05);
      expect(patients.every(({ kvp }) => profile.protocol.kvp.includes(kvp))).toBe(true);
      const ages = patients.map(({ ageYears }) => ageYears);
      expect(
        Math.abs(ages.reduce((sum, age) => sum + age, 0) / ages.length - profile.patients.ageYears.mean),
      ).toBeLessThan(1.5);
    },
  );

  it('keep every mass off the spine and inside the trunk', () => {
    for (const profile of siteProfiles) {
      for (const { body, masses } of drawn(profile, 200)) {
        for (const { centreMm, diameterMm } of masses) {
          const [x, y] = centreMm;
          expect(Math.abs(x)).toBeGreaterThan(28 + 0.8 * (diameterMm / 2));
          const px = x / body.halfWidthMm;
          const py = (y - body.centreYMm) / body.halfDepthMm;
          expect(px * px + py * py).toBeLessThan(1);
        }
      }
    }
  });

  it('carry numbers of no more than ten binary places, so that a last-bit difference cannot move a voxel', () => {
    for (const { body, kidneys, masses, contrast } of drawn(siteProfiles[0] as SiteProfile, 40)) {
      const values = [
        ...Object.values(body),
        contrast.iodine,
        contrast.lateness,
        ...kidneys.flatMap(({ centreMm, radiiMm, bendMm, cortexMm }) => [...centreMm, ...radiiMm, bendMm, cortexMm]),
        ...masses.flatMap(({ centreMm, radiiMm, lobesMm, necrosis }) => [...centreMm, ...radiiMm, lobesMm, necrosis]),
      ];
      for (const value of values) expect(Number.isInteger((value as number) * 1024)).toBe(true);
    }
  });
});
