/** The member in whose name a command speaks to the coordinator. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  CoordinatorClient,
  type Credentials,
  IdentityDirectory,
  type IdentityFacts,
  wallClockMs,
} from '@consilium/transport';
import { z } from 'zod';
import { CliError } from './cli-error.ts';

export interface ActingOptions {
  readonly identity?: string;
  readonly proxy?: string;
}

export interface ActingMember extends AsyncDisposable {
  readonly directory: string;
  readonly facts: IdentityFacts;
  /** The certificate of the project's authority, PEM. */
  readonly authority: string;
  /** To sign with. */
  readonly credentials: Credentials;
  readonly client: CoordinatorClient;
}

export const actingOptions = [
  ['--identity <dir>', 'who you are: CONSILIUM_IDENTITY, ./coordinator/admin or ./admin if not given'],
  ['--proxy <url>', 'http://user:password@host:port to go through; CONSILIUM_PROXY if not given'],
] as const;

const usual = ['coordinator/admin', 'admin'];
const renewalSchema = z.object({ certificate: z.string() });

/** Renews the certificate in passing: people's commands are short, and weeks go by between them. */
export async function actAs(options: ActingOptions, env: NodeJS.ProcessEnv = process.env): Promise<ActingMember> {
  const directory = identityDirectory(options, env);
  const identity = await IdentityDirectory.open(directory);
  const proxy = options.proxy ?? env['CONSILIUM_PROXY'];
  const client = new CoordinatorClient({
    origin: identity.facts.coordinator,
    authority: identity.authority,
    credentials: identity.credentials,
    proxy,
  });
  const { fromMs, toMs } = identity.validity;
  if (wallClockMs() > fromMs + (toMs - fromMs) / 3 && wallClockMs() < toMs) await renew(identity, client);
  const { facts, authority, credentials } = identity;
  return { directory, facts, authority, credentials, client, [Symbol.asyncDispose]: () => client.close() };
}

function identityDirectory({ identity }: ActingOptions, env: NodeJS.ProcessEnv): string {
  const named = identity ?? env['CONSILIUM_IDENTITY'];
  if (named !== undefined) return resolve(named);
  const found = usual.find((path) => existsSync(resolve(path, 'identity.json')));
  if (found !== undefined) return resolve(found);
  const text = `There is no identity in ${usual.map((path) => `./${path}`).join(' or ')}. Name its directory with --identity or CONSILIUM_IDENTITY.`;
  throw new CliError('cli.no-identity', text);
}

/** What the command wants to do will say what is wrong, if anything is. */
async function renew(identity: IdentityDirectory, client: CoordinatorClient): Promise<void> {
  try {
    const { certificate } = renewalSchema.parse(await client.post('/v1/renewals', { request: identity.request }));
    await identity.admitted({ certificate, authority: identity.authority });
    client.replaceCredentials(identity.credentials);
  } catch {}
}
