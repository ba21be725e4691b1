/** What says how good a network is on one case. */
import { dice, type LabelMap } from '@consilium/imaging';
import { type Case, type Plan, type Predictor, type PreparedCase, regionMask, scoreCase } from '@consilium/training';

/** Surfaces closer than this agree in the normalised surface Dice, mm. */
export const surfaceToleranceMm = 3;

/** By name; null where the metric is undefined. Infinite where a distance is. */
export type RegionMetrics = Readonly<Record<string, number | null>>;

export interface Judge extends AsyncDisposable {
  /** Quick and in plan space: `dice` of each region, by its name. */
  validate(prepared: PreparedCase): Promise<Readonly<Record<string, RegionMetrics>>>;
  /** On the image as it came, against the reference where there is one. */
  test(
    loaded: Case,
  ): Promise<{ readonly regions: Readonly<Record<string, RegionMetrics>>; readonly prediction: LabelMap }>;
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
      const prediction = await predictor.predict(image, { signal, ...(phase === undefined ? {} : { phase }) });
      const truth = reference ?? label;
      return {
        prediction,
        regions: scoreCase(prediction, truth, plan.regions, { toleranceMm: surfaceToleranceMm }),
      };
    },
    [Symbol.asyncDispose]: () => predictor[Symbol.asyncDispose](),
  };
}
