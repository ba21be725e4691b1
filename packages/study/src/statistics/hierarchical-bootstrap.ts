/**
 * The bootstrap for what shall hold beyond the sites that took part: sites are drawn with replacement, and of each drawn
 * site its patients (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). Intervals are wider
 * than those of `drawResamples`, which takes the sites as given; with fewer than `sitesMin` sites they say little.
 */
import type { Random } from '@consilium/numerics';
import type { CaseOwner, Resamples } from '../bootstrap.ts';

/** Fewer sites than this say too little about how sites differ. */
export const sitesMin = 5;

/** `owners` is in the order of the values that are given to `estimate`. A site that is drawn twice gives other patients each time. */
export function drawHierarchically(owners: readonly CaseOwner[], random: Random, count = 10_000): Resamples {
  const sites = patientsBySite(owners);
  const weights = new Uint16Array(count * owners.length);
  for (let resample = 0; resample < count; resample++) {
    const row = resample * owners.length;
    for (let drawnSite = 0; drawnSite < sites.length; drawnSite++) {
      const patients = sites[random.integer(0, sites.length)]!;
      for (let drawn = 0; drawn < patients.length; drawn++) {
        for (const index of patients[random.integer(0, patients.length)]!) weights[row + index]! += 1;
      }
    }
  }
  return { count, caseCount: owners.length, weights, withinSites: false };
}

/** Of each site its patients, of each patient the places of the cases. */
export function patientsBySite(owners: readonly CaseOwner[]): readonly (readonly (readonly number[])[])[] {
  const sites = new Map<string, Map<string, number[]>>();
  owners.forEach(({ siteId, patient }, index) => {
    const patients = sites.get(siteId) ?? new Map<string, number[]>();
    patients.set(patient, [...(patients.get(patient) ?? []), index]);
    sites.set(siteId, patients);
  });
  return [...sites.values()].map((patients) => [...patients.values()]);
}
