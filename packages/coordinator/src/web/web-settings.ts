/** What a coordinator is told about its pages: section `web` of `coordinator.yaml`. Without it there are none. */
import { providerSettingsSchema, secondFactorSettingsSchema } from '@consilium/people';
import { z } from 'zod';

export const webSettingsSchema = z
  .strictObject({
    /** Of this machine; a way in from others needs `tls`, or a proxy. */
    address: z.string().min(1).default('127.0.0.1'),
    port: z.int().min(0).max(65535).default(8480),
    /** Files, PEM: a certificate that browsers trust, not one of the project's authority. */
    tls: z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }).optional(),
    /** As people type it, where it is another than address and port say: `https://kidney.example.org`. */
    publicUrl: z.url({ protocol: /^https?$/ }).optional(),
    /** A proxy on this machine or in a closed network ends TLS before it. */
    behindProxy: z.boolean().default(false),
    /** The hospital's service for logging in: docs/guides/people.md. */
    provider: providerSettingsSchema.optional(),
    /** Who must have a second factor: docs/guides/people.md. */
    secondFactor: secondFactorSettingsSchema.prefault({}),
    sessionIdleMinutes: z.number().positive().max(1440).default(60),
    sessionHours: z.number().positive().max(168).default(12),
  })
  .refine(
    ({ address, behindProxy, tls }) => isLoopback(address) || tls !== undefined || behindProxy,
    'must have `tls`, or `behindProxy: true` if a proxy ends TLS, because `address` can be reached from other machines',
  );
export type WebSettings = z.infer<typeof webSettingsSchema>;

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}
