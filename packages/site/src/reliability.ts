/**
 * How often a network was right where it gave which probability, summed over the site's test patients. Told of a region only if
 * enough patients have it: sums over fewer would be about one of them.
 */
import type { Reliability } from '@consilium/protocol';
import type { RegionCalibration } from '@consilium/training';

/** Of one case, by region; null: the case has none of it. */
export type CaseReliability = Readonly<Record<string, RegionCalibration | null>>;

type Bin = RegionCalibration['bins'][number];

interface RegionSum {
  readonly patients: readonly string[];
  readonly bins: readonly Bin[];
}

export class ReliabilitySums {
  readonly #regions = new Map<string, RegionSum>();

  add(patient: string, reliability: CaseReliability): void {
    for (const [region, calibration] of Object.entries(reliability)) {
      if (calibration === null) continue;
      const { bins, patients } = this.#regions.get(region) ?? { patients: [], bins: calibration.bins.map(() => empty) };
      this.#regions.set(region, {
        patients: [...patients, patient],
        bins: bins.map((bin, index) => added(bin, calibration.bins[index]!)),
      });
    }
  }

  /** By region; undefined: there is nothing that may be told. */
  told(minimumCount: number): Reliability | undefined {
    const told = [...this.#regions].filter(([, { patients }]) => new Set(patients).size >= minimumCount);
    if (told.length === 0) return undefined;
    return Object.fromEntries(told.map(([region, { bins }]) => [region, [...bins]]));
  }
}

const empty: Bin = { voxels: 0, probability: 0, reference: 0 };

function added(one: Bin, other: Bin): Bin {
  return {
    voxels: one.voxels + other.voxels,
    probability: one.probability + other.probability,
    reference: one.reference + other.reference,
  };
}
