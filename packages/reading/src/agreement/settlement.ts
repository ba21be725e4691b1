/** What follows from the labels of a case's readers: how each two agree, and their consensus. */
import type { Geometry } from '@consilium/imaging';
import { encodeRuns } from '../label/run-length.ts';
import { type ConsensusMethod, consensusOf, type ReaderPerformance } from './consensus.ts';
import { type AgreementOptions, agreementBetween, type StructureAgreement } from './pair-agreement.ts';

export interface SettlementOptions {
  readonly geometry: Geometry;
  readonly structures: AgreementOptions['structures'];
  readonly toleranceMm: number;
  readonly method: ConsensusMethod;
}

export interface Settlement {
  /** Readers by their place. */
  readonly pairs: readonly {
    readonly one: number;
    readonly other: number;
    readonly structures: readonly StructureAgreement[];
  }[];
  /** Runs of the consensus, by layer. */
  readonly layers: readonly Uint8Array[];
  readonly performance: readonly ReaderPerformance[];
}

/** @param readers voxels by layer of each. */
export function settlementOf(
  readers: readonly (readonly Uint8Array[])[],
  { method, ...options }: SettlementOptions,
): Settlement {
  const pairs = readers.flatMap((drawn, one) =>
    readers.slice(one + 1).map((others, further) => ({
      ...{ one, other: one + 1 + further },
      structures: agreementBetween(drawn, others, options),
    })),
  );
  const { layers, performance } = consensusOf(readers, { method, size: options.geometry.size });
  return { pairs, layers: layers.map(encodeRuns), performance };
}
