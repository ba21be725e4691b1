/** The sites that a command names, out of those that are admitted. */
import { type SiteId, siteIdSchema } from '@consilium/protocol';
import type { ActingMember } from './acting-member.ts';
import { CliError } from './cli-error.ts';
import { listMembers } from './member-command.ts';

export const participantsOption = [
  '--participants <sites>',
  'names of sites separated by commas, or all',
  'all',
] as const;

/** Each once, in order. @throws CliError `cli.no-participants` */
export async function participantsOf(acting: ActingMember, text: string): Promise<readonly SiteId[]> {
  const admitted = (await listMembers(acting))
    .filter(({ role, state }) => role === 'site' && state === 'admitted')
    .map(({ id }) => siteIdSchema.parse(id));
  const names = text === 'all' ? admitted : text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !admitted.some((siteId) => siteId === name));
  if (names.length === 0 || unknown.length > 0) {
    const who =
      admitted.length === 0 ? 'No site is admitted yet' : `The sites that are admitted: ${admitted.join(', ')}`;
    const what = unknown.length === 0 ? 'There is nobody to take part.' : `Not admitted: ${unknown.join(', ')}.`;
    throw new CliError('cli.no-participants', `${what} ${who}.`);
  }
  return [...new Set(names)].sort() as readonly string[] as readonly SiteId[];
}
