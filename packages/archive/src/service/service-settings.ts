/** What an archive's service is told: `archive.yaml` in its directory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { providerSettingsSchema, secondFactorSettingsSchema } from '@consilium/people';
import { parse } from 'yaml';
import { z } from 'zod';
import { ArchiveError } from '../archive-error.ts';
import { archiveSettingsSchema } from '../archive-settings.ts';
import { dicomwebSettingsSchema } from '../dicomweb/dicomweb-settings.ts';
import { dicomSettingsSchema, remotesSettingsSchema } from '../dimse/dicom-settings.ts';

const webSettingsSchema = z
  .strictObject({
    /** Of the pages and of DICOMweb. */
    host: z.string().min(1).default('127.0.0.1'),
    port: z.int().min(0).max(65535).default(8042),
    tls: z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }).optional(),
    /** As people type it, where it is another than host and port say: `https://archive.example.org`. */
    publicUrl: z.url({ protocol: /^https?$/ }).optional(),
    /** A proxy on this machine or in a closed network ends TLS before it. */
    behindProxy: z.boolean().default(false),
  })
  .refine(
    ({ host, tls, behindProxy }) => isLoopback(host) || tls !== undefined || behindProxy,
    'must have `tls`, or `behindProxy: true` if a proxy ends TLS, because `host` can be reached from other machines',
  );

/** Who logs in, and for how long: docs/guides/people.md. */
const peopleSettingsSchema = z.strictObject({
  provider: providerSettingsSchema.optional(),
  secondFactor: secondFactorSettingsSchema.prefault({}),
  sessionIdleMinutes: z
    .number()
    .positive()
    .max(24 * 60)
    .default(60),
  sessionHours: z
    .number()
    .positive()
    .max(7 * 24)
    .default(12),
});

const serviceSettingsSchema = z.strictObject({
  ...archiveSettingsSchema.shape,
  web: webSettingsSchema.prefault({}),
  /** C-STORE and C-ECHO; left out, none is offered. */
  dicom: dicomSettingsSchema.optional(),
  dicomweb: dicomwebSettingsSchema.prefault({}),
  remotes: remotesSettingsSchema,
  people: peopleSettingsSchema.prefault({}),
  /** Folders of annotation apps of the reading room: docs/guides/annotation-app.md. What is in them is run. */
  apps: z.array(z.string().min(1)).max(100).default([]),
  /** Of the reading room's interface for MONAI Label's clients; what the fields mean is known there. */
  monaiLabel: z.record(z.string(), z.unknown()).optional(),
});
export type ServiceSettings = z.infer<typeof serviceSettingsSchema>;

export const serviceSettingsFile = 'archive.yaml';

/** @throws ArchiveError `archive.settings-missing`, `archive.settings-wrong`, naming the field. */
export async function readServiceSettings(directory: string): Promise<ServiceSettings> {
  const path = join(directory, serviceSettingsFile);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const message = `There is no ${serviceSettingsFile} in this directory: make one with "consilium archive init".`;
    throw new ArchiveError('archive.settings-missing', message, { detail: path, cause });
  }
  try {
    return serviceSettingsOf(parse(text));
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause;
    throw new ArchiveError('archive.settings-wrong', `${serviceSettingsFile} is not YAML.`, { detail: path, cause });
  }
}

/** @throws ArchiveError `archive.settings-wrong`, naming the field. */
export function serviceSettingsOf(received: unknown): ServiceSettings {
  const { data, error } = serviceSettingsSchema.safeParse(received ?? {});
  if (data !== undefined) return data;
  const { path, message } = error!.issues[0]!;
  const where = path.length === 0 ? '' : ` at "${path.join('.')}"`;
  throw new ArchiveError('archive.settings-wrong', `The archive’s settings are wrong${where}: ${message}.`);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
