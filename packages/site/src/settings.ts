/** What a site is told when it starts: in a hospital from its file, in a rehearsal from the command that starts it. */
import { siteIdSchema } from '@consilium/protocol';
import { z } from 'zod';
import { SiteError } from './site-error.ts';

const settingsSchema = z.object({
  siteId: siteIdSchema,
  /**
   * Where the cases lie. A hospital has one source, its own; a rehearsal's pooled site has those of all hospitals, each
   * under its hospital's name, so that its split is theirs.
   */
  sources: z.array(z.object({ siteId: siteIdSchema, directory: z.string().min(1) })).min(1),
  /** The site's own files: cache of prepared cases, split, record of test results, pictures, log. */
  workDirectory: z.string().min(1),
  /** Decides the split. */
  seed: z.int(),
  /** Of the numerical runtime. */
  threads: z.int().min(1),
});
export type SiteSettings = z.input<typeof settingsSchema>;
export type ParsedSiteSettings = z.output<typeof settingsSchema>;

/** @throws SiteError `site.bad-settings`, naming the field. */
export function parseSettings(received: unknown): ParsedSiteSettings {
  const parsed = settingsSchema.safeParse(received);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new SiteError('site.bad-settings', `The site's settings are wrong at "${path.join('.')}": ${message}.`, {
    lasting: true,
  });
}
