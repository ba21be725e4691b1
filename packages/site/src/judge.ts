/** What says how good a network is on one case, and whether its probabilities mean what they say. */
import { dice, type LabelMap } from '@consilium/imaging';
import {
  type Case,
  CaseCalibration,
  type Plan,
  type Predictor,
  type PreparedCase,
  regionMask,
  scoreCase,
} from '@consilium/training';
import type { CaseReliability } from './reliability.ts';

/** Surfaces closer than this agree in the normalised surface Dice, mm. */
export const surfaceToleranceMm = 3;

/** By name; null where the metric is undefined. Infinite where a distance is. */
export type RegionMetrics = Readonly<Record<string, number | null>>;

export interface Judge extends AsyncDisposable {
  /** Quick and in plan space: `dice` of each region, by its name. */
  validate(prepared: PreparedCase): Promise<Readonly<Record<string, RegionMetrics>>>;
  /** On the image as it came, against the reference where there is one. */
  test(loaded: Case): Promise<Tested>;
}

interface Tested {
  readonly regions: Readonly<Record<string, RegionMetrics>>;
  readonly prediction: LabelMap;
  /** Absent: the network gives no probabilities of its own accord. */
  readonly reliability?: CaseReliability;
}

/** Of a network that segments by itself. */
export function automaticJudge(predictor: Predictor, plan: Plan, signal: AbortSignal): Judge {
  return {
    async validate(prepared) {
      const { geometry } = prepared;
      const predicted: LabelMap = { geometry, voxels: await predictor.predictPrepared(prepared, { signal }) };
      const drawn: LabelMap = { geometry, voxels: prepared.label };
      const regions = plan.regions.map((region) => {
        const masks = [regionMask(predicted, region), regionMask(drawn, region)] as const;
        const isEmpty = masks.every((mask) => !mask.includes(1));
        return [region.name, { dice: isEmpty ? null : dice(...masks) }] as const;
      });
      return Object.fromEntries(regions);
    },
    async test({ image, reference, label, phase }) {
      const truth = reference ?? label;
      const calibration = new CaseCalibration(truth, plan);
      const prediction = await predictor.predict(image, {
        ...{ signal, onSlices: (slices) => calibration.add(slices) },
        ...(phase === undefined ? {} : { phase }),
      });
      const reliability = calibration.finish();
      const scores = scoreCase(prediction, truth, plan.regions, { toleranceMm: surfaceToleranceMm });
      const regions = Object.entries(scores).map(([name, score]) => {
        const { brier = null, ece = null } = reliability[name] ?? {};
        return [name, { ...score, brier, ece }] as const;
      });
      return { prediction, regions: Object.fromEntries(regions), reliability };
    },
    [Symbol.asyncDispose]: () => predictor[Symbol.asyncDispose](),
  };
}
