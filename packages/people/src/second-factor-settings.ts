/** Who must have a second factor: a part of the settings of a service. */
import { z } from 'zod';
import { type Account, rolesSchema } from './account.ts';

export const secondFactorSettingsSchema = z.strictObject({
  /** Roles, or everybody who has a password here. */
  requiredFor: z.union([z.literal('all'), rolesSchema]).default([]),
});
export type SecondFactorSettings = z.infer<typeof secondFactorSettingsSchema>;

/** What a provider of logins asks for is the provider's to decide: who comes from there is never asked for more. */
export function isSecondFactorRequired({ requiredFor }: SecondFactorSettings, { origin, roles }: Account): boolean {
  if (origin === 'provider') return false;
  return requiredFor === 'all' || roles.some((role) => requiredFor.includes(role));
}
