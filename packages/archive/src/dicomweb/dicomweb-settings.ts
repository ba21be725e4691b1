/** Section `dicomweb` of an archive's settings: who may ask and send by DICOMweb. */
import { z } from 'zod';

export const dicomwebSettingsSchema = z.strictObject({
  /** Path of the root. */
  path: z
    .string()
    .regex(/^\/[a-z0-9/-]*[a-z0-9]$/, 'must be as "/dicom-web"')
    .default('/dicom-web'),
  /** Address of the root as others see it, where a proxy stands before it. */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Web pages that may ask, as https://viewer.example.org */
  corsOrigins: z.array(z.url({ protocol: /^https?$/ })).default([]),
  /** Who may ask. Nobody else is let in. Tokens are in files, so that settings hold no secret. */
  clients: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        tokenFile: z.string().min(1),
        may: z
          .array(z.enum(['read', 'store']))
          .min(1)
          .default(['read']),
      }),
    )
    .default([]),
  instanceMegabytesMax: z.number().positive().max(4000).default(2000),
  receivedMegabytesMax: z.number().positive().default(512),
  idleSeconds: z.number().positive().default(60),
});
export type DicomwebSettings = z.infer<typeof dicomwebSettingsSchema>;
