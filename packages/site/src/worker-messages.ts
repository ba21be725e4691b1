/**
 * What the site's service and its worker, a child process, say to each other. The worker alone reads images and trains;
 * if it crashes or runs out of memory the service is still there to say so. Never crosses the hospital's wall.
 */
import {
  blobIdSchema,
  contributionSchema,
  failureSchema,
  manifestSchema,
  taskIdSchema,
  taskProgressSchema,
  taskSchema,
} from '@consilium/protocol';
import { z } from 'zod';

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

const toWorkerSchema = z.discriminatedUnion('kind', [
  /** The first message: the site's settings. */
  z.object({ kind: z.literal('configure'), settings: z.unknown() }),
  z.object({ kind: z.literal('task'), task: taskSchema }),
  z.object({ kind: z.literal('abort'), taskId: taskIdSchema }),
  /** The chunks of a blob that was asked for, in order. */
  z.object({ kind: z.literal('chunk'), blob: blobIdSchema, isLast: z.boolean(), bytes }),
  z.object({ kind: z.literal('blob-missing'), blob: blobIdSchema }),
  /** End the process once the current task has been given up. */
  z.object({ kind: z.literal('stop') }),
]);
export type ToWorker = z.infer<typeof toWorkerSchema>;

const fromWorkerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  /** The settings were not accepted; the process ends. */
  z.object({ kind: z.literal('refused'), failure: failureSchema }),
  z.object({ kind: z.literal('alive'), residentBytes: z.int().positive().optional() }),
  z.object({ kind: z.literal('blob-wanted'), blob: blobIdSchema }),
  /** A chunk of a blob that the manifest after it names. Both come before the contribution. */
  z.object({ kind: z.literal('chunk'), bytes }),
  z.object({ kind: z.literal('manifest'), manifest: manifestSchema }),
  z.object({ kind: z.literal('progress'), taskId: taskIdSchema, progress: taskProgressSchema }),
  z.object({ kind: z.literal('contribution'), taskId: taskIdSchema, contribution: contributionSchema }),
  z.object({ kind: z.literal('failure'), taskId: taskIdSchema, failure: failureSchema }),
]);
export type FromWorker = z.infer<typeof fromWorkerSchema>;

/** undefined for anything else: nothing of it can be trusted. */
export function parseToWorker(received: unknown): ToWorker | undefined {
  return toWorkerSchema.safeParse(received).data;
}

export function parseFromWorker(received: unknown): FromWorker | undefined {
  return fromWorkerSchema.safeParse(received).data;
}
