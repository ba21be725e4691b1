/** What the worker of experiments is asked and answers. */
import type { ExperimentAnalysis, Figure, SiteDifferences } from '@consilium/study/browser';

/** A record, as the coordinator keeps it; or what sites have told of their data, without a record. */
export type ExperimentQuestion =
  | { readonly kind: 'record'; readonly record: unknown }
  | {
      readonly kind: 'sites';
      readonly sites: readonly {
        readonly siteId: string;
        readonly cases: { readonly train: number; readonly validation: number; readonly test: number };
        readonly fingerprint: unknown;
        readonly description?: unknown;
      }[];
    };

export type ExperimentFindings =
  | {
      readonly kind: 'found';
      /** null for sites alone. */
      readonly analysis: ExperimentAnalysis | null;
      readonly differences: SiteDifferences | null;
      readonly figures: readonly Figure[];
      readonly facts: ExperimentFacts | null;
    }
  | { readonly kind: 'not-understood'; readonly code: string; readonly message: string };

/** Of the record itself. */
interface ExperimentFacts {
  readonly question: string;
  readonly synthetic: boolean;
  readonly machine: string;
  readonly software: Readonly<Record<string, string>>;
  readonly rule: string;
  readonly chosen: readonly string[];
  readonly looks: number;
}

/** @returns what a worker of its own finds; it ends with the question. */
export function lookInto(question: ExperimentQuestion): Promise<ExperimentFindings> {
  const worker = new Worker(new URL('./experiment-worker.ts', import.meta.url), { type: 'module' });
  const { promise, reject, resolve } = Promise.withResolvers<ExperimentFindings>();
  worker.onmessage = ({ data }: MessageEvent<ExperimentFindings>) => resolve(data);
  worker.onerror = () => reject(new Error('The worker of experiments failed.'));
  worker.postMessage(question);
  return promise.finally(() => worker.terminate());
}
