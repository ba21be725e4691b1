/** What a coordinator is told when it starts: `coordinator.yaml` in its directory. */
import { z } from 'zod';
import { CoordinatorError } from './coordinator-error.ts';
import { webSettingsSchema } from './web/web-settings.ts';

const settingsSchema = z.strictObject({
  /** The project's name; part of every certificate. */
  project: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and "-"'),
  /** Names and addresses under which sites reach it; the first one stands in invitations. */
  names: z.array(z.string().min(1)).min(1),
  listen: z
    .strictObject({ host: z.string().default('0.0.0.0'), port: z.int().min(0).max(65535).default(443) })
    .prefault({}),
  /** Port in invitations, where it is not the one listened on: behind a load balancer or NAT. */
  publicPort: z.int().min(1).max(65535).optional(),
  /** Further jobs wait in the order of their submission. */
  jobsAtOnce: z.int().min(1).default(4),
  /** A site that was away for so long has lost its tasks; a job may ask it again. */
  absentMinutesMax: z.number().positive().default(240),
  /** Certificates of sites are renewed by themselves while they run. */
  certificateDays: z.number().positive().max(365).default(7),
  /** Those of people are renewed when they use the command; in between, weeks may go by. */
  memberCertificateDays: z.number().positive().max(3650).default(365),
  /** Serve Prometheus metrics on this port of 127.0.0.1. */
  metricsPort: z.int().min(1).max(65535).optional(),
  /** Serve the pages of the project: docs/guides/project-console.md. */
  web: webSettingsSchema.optional(),
});
export type CoordinatorSettings = z.infer<typeof settingsSchema>;
export type CoordinatorSettingsInput = z.input<typeof settingsSchema>;

/** @throws CoordinatorError `coordinator.bad-settings`, naming the field. */
export function parseCoordinatorSettings(received: unknown): CoordinatorSettings {
  const { data, error } = settingsSchema.safeParse(received);
  if (data !== undefined) return data;
  const { path, message } = error!.issues[0]!;
  throw new CoordinatorError('coordinator.bad-settings', `The settings are wrong at "${path.join('.')}": ${message}.`);
}
