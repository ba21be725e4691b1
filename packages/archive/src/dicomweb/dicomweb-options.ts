/** What the routes of DICOMweb are given. */
import type { FastifyRequest } from 'fastify';
import type { Door } from '../admission.ts';
import type { InstanceCatalogue } from '../catalogue-query.ts';
import type { ByteBudget } from '../dimse/byte-budget.ts';

export type Need = 'read' | 'store';

/** Who asks, or why not. */
export type Authorization =
  | { readonly kind: 'allowed'; readonly client: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'forbidden' };

export interface DicomwebOptions {
  readonly catalogue: InstanceCatalogue;
  readonly door: Door;
  /** Asked for every request: nobody else lets in. */
  readonly authorize: (request: FastifyRequest, need: Need) => Authorization;
  /** Address of the DICOMweb root as others see it, without a slash at the end. Default: as each request has it. */
  readonly publicUrl?: string | undefined;
  /** Web pages that may read, as `https://viewer.example.org`. */
  readonly corsOrigins?: readonly string[];
  readonly instanceBytesMax?: number;
  /** Of instances on their way in, over all requests. */
  readonly receivedBytesMax?: number;
  /** A sender that is silent for longer is let go. */
  readonly idleMs?: number;
}

/** The same with everything decided. */
export interface DicomwebContext extends DicomwebOptions {
  readonly instanceBytesMax: number;
  readonly idleMs: number;
  readonly budget: ByteBudget;
  readonly rootUrlOf: (request: FastifyRequest) => string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, by the name in the settings; empty until it is let in. */
    dicomwebClient: string;
  }
  interface FastifyContextConfig {
    dicomweb?: Need;
  }
}
