/** Signatures of those who have looked at a job, beside its files: `reviews/<member>.json`. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MandateSignature } from '@consilium/protocol';
import { makeDirectory, writeDurably } from '@consilium/transport';
import { z } from 'zod';
import { CliError } from './cli-error.ts';

const reviewSchema = z.object({
  as: z.literal('reviewer'),
  certificate: z.string(),
  signedAt: z.iso.datetime(),
  signature: z.base64(),
});

export async function keepReview(directory: string, member: string, review: MandateSignature): Promise<string> {
  const path = join(directory, 'reviews', `${member}.json`);
  await makeDirectory(join(directory, 'reviews'));
  await writeDurably(path, `${JSON.stringify(review, null, 2)}\n`);
  return path;
}

/** @throws CliError `cli.bad-job-directory` */
export async function reviewsIn(directory: string): Promise<readonly MandateSignature[]> {
  const names = await readdir(join(directory, 'reviews')).catch(() => []);
  return Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map(async (name) => {
        const path = join(directory, 'reviews', name);
        try {
          return reviewSchema.parse(JSON.parse(await readFile(path, 'utf8')));
        } catch {
          throw new CliError(
            'cli.bad-job-directory',
            `${path} is no signature of a reviewer. Remove it, or have it made anew.`,
          );
        }
      }),
  );
}
