/** How two readers agree on a structure. */
import { dice, type Geometry, hausdorff95Of, surfaceDiceOf, surfaceDistances } from '@consilium/imaging';
import { croppedTo, gridOf, unionBoxOf } from './union-box.ts';

export interface StructureAgreement {
  readonly structure: number;
  readonly dice: number;
  /** Share of both surfaces within the protocol's tolerance of the other. */
  readonly surfaceDice: number;
  /** Undefined where only one of the two drew anything: no number would be honest. */
  readonly hausdorff95Mm: number | undefined;
  readonly volumesMl: readonly [one: number, other: number];
}

export interface AgreementOptions {
  readonly geometry: Geometry;
  readonly toleranceMm: number;
  /** Number and layer of each structure. */
  readonly structures: readonly { readonly number: number; readonly layer: number }[];
}

/** @param one, other by layer, on the grid. Structures that neither drew agree. */
export function agreementBetween(
  one: readonly Uint8Array[],
  other: readonly Uint8Array[],
  { geometry, structures, toleranceMm }: AgreementOptions,
): readonly StructureAgreement[] {
  const voxelMl = geometry.spacingMm.reduce((product, mm) => product * mm, 1) / 1000;
  return structures.map(({ layer, number }): StructureAgreement => {
    const box = unionBoxOf([one[layer]!, other[layer]!], geometry.size);
    if (box === undefined) return { structure: number, ...bothEmpty };
    const maskOf = (layers: readonly Uint8Array[]) =>
      croppedTo(layers[layer]!, geometry.size, box).map((value) => (value === number ? 1 : 0));
    const [a, b] = [maskOf(one), maskOf(other)];
    const volumeOf = (mask: Uint8Array) => mask.reduce((sum, value) => sum + value, 0) * voxelMl;
    const distances = surfaceDistances(a, b, gridOf(geometry, box));
    const hausdorff95Mm = hausdorff95Of(distances);
    return {
      structure: number,
      dice: dice(a, b),
      surfaceDice: surfaceDiceOf(distances, toleranceMm),
      hausdorff95Mm: Number.isFinite(hausdorff95Mm) ? hausdorff95Mm : undefined,
      volumesMl: [volumeOf(a), volumeOf(b)],
    };
  });
}

const bothEmpty = { dice: 1, surfaceDice: 1, hausdorff95Mm: 0, volumesMl: [0, 0] } as const;
