/** What the MONAI Label interface is told: `monaiLabel` in the archive's settings. */
import { z } from 'zod';
import { ReadingError } from '../reading-error.ts';
import { Role } from '../workflow/task-state.ts';

const settingsSchema = z.strictObject({
  /** Where it is, under the archive's own address. */
  prefix: z
    .string()
    .regex(/^(?:\/[a-z0-9-]+)+$/, 'must be as /monailabel')
    .default('/monailabel'),
  /** The reading project that its clients see. */
  project: z.string().min(1).max(64),
  /** `off` lets in whoever reaches it, and is possible on this machine only. */
  auth: z.enum(['token', 'off']).default('token'),
  /** Who everybody is where `auth` is off. */
  person: z.string().min(1).max(64).default('monai-label'),
  roles: z.array(z.enum(Object.values(Role))).default(['lead', 'reader']),
  /** How long the image of a case that was handed out can be fetched without a token, from the same address only. */
  imageGrantMinutes: z.int().min(0).max(1440).default(10),
  /** Web pages of other addresses that may ask, as OHIF at `https://viewer.example.org`. */
  corsOrigins: z.array(z.url({ protocol: /^https?$/ })).default([]),
  /** Of a built OHIF with its MONAI Label extension. */
  ohifDirectory: z.string().min(1).optional(),
  uploadMegabytesMax: z.int().min(1).default(2048),
  /** After so long without being used, an image that was sent for inference only is removed. */
  sessionSeconds: z.int().min(60).max(86_400).default(3600),
  sessionsMax: z.int().min(1).max(1000).default(16),
});

export type MonaiLabelSettings = z.infer<typeof settingsSchema>;

/**
 * @param web where the archive's service listens.
 * @throws ReadingError `reading.settings-wrong`, naming the field; also if `auth` is off and others could reach it.
 */
export function monaiLabelSettingsOf(
  received: unknown,
  web: { readonly host: string; readonly behindProxy: boolean },
): MonaiLabelSettings {
  const { data, error } = settingsSchema.safeParse(received);
  if (data === undefined) {
    const { message, path } = error!.issues[0]!;
    throw new ReadingError(
      'reading.settings-wrong',
      `The settings are wrong at "monaiLabel.${path.join('.')}": ${message}.`,
    );
  }
  if (data.auth === 'off' && (!isLoopback(web.host) || web.behindProxy)) {
    const message =
      'MONAI Label without logging in (auth: off) is possible only where this machine alone reaches the archive.';
    throw new ReadingError('reading.settings-wrong', message);
  }
  return data;
}

/** Of an address or a name without a port. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|\[?::1\]?|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(host);
}
