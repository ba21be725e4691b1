/** What the routes of the pages are given, and how they read what they are asked. */
import type { AuditLog } from '@consilium/audit';
import type { Access } from '@consilium/people';
import type { z } from 'zod';
import type * as api from '../api.ts';
import type { Archive } from '../archive.ts';
import { ArchiveError } from '../archive-error.ts';
import type { ArrivalRate } from './arrival-rate.ts';
import type { Pulls } from './pulls.ts';
import type { RemotePeer } from './remote-peer.ts';

export interface ConsoleContext {
  readonly archive: Archive;
  readonly audit: AuditLog;
  readonly directory: string;
  readonly project: string;
  readonly access: Access;
  readonly pulls: Pulls;
  readonly remotes: ReadonlyMap<string, RemotePeer>;
  readonly overviewRoads: api.Overview['roads'];
  readonly roads: () => api.Roads;
  readonly arrivals: ArrivalRate;
  readonly instanceBytesMax: number;
  /** Ends streams of events. */
  readonly signal: AbortSignal;
  /** Writes down who asked for whom. */
  readonly noteReidentification: (asked: z.infer<typeof api.reidentifySchema>) => Promise<void>;
  readonly reidentifications: () => Promise<readonly api.Reidentification[]>;
}

export interface Named {
  readonly Params: { readonly id: string };
}

/** @throws ArchiveError `archive.request-malformed`, naming the field. */
export function parsed<T>(schema: z.ZodType<T>, received: unknown): T {
  const { data, error } = schema.safeParse(received ?? {});
  if (data !== undefined) return data;
  const { path, message } = error!.issues[0]!;
  throw new ArchiveError('archive.request-malformed', `The request is wrong at "${path.join('.')}": ${message}.`);
}
