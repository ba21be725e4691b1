/**
 * Logging in at a provider of the hospital: OpenID Connect, authorization code with PKCE (OpenID Connect Core 3.1, RFC 7636).
 * The browser that begins is the one that has to come back: what it was given in a cookie, the state and the nonce have to
 * agree. Roles come from a claim; somebody without one is not let in.
 */
import * as openid from 'openid-client';
import { z } from 'zod';
import { accountNameSchema, rolesSchema } from './account.ts';
import type { ProvidedPerson } from './accounts.ts';
import { PeopleError } from './people-error.ts';
import { Role } from './permission.ts';
import { newSecret, secretHash } from './secret.ts';

export const providerSettingsSchema = z.strictObject({
  /** As on the button. */
  name: z.string().min(1).max(60),
  issuer: z.url({ protocol: /^https?$/ }),
  clientId: z.string().min(1),
  /** Without, the client is public and proves itself by PKCE alone. */
  clientSecretFile: z.string().min(1).optional(),
  scope: z.string().min(1).default('openid profile'),
  /** In which the provider names what a person belongs to; dots go into objects: `realm_access.roles`. */
  rolesClaim: z.string().min(1).default('groups'),
  /** By a value of that claim. */
  roles: z.record(z.string(), z.array(z.enum(Role))),
  nameClaim: z.string().min(1).default('preferred_username'),
});
export type ProviderSettings = z.infer<typeof providerSettingsSchema>;

export interface ProviderOptions {
  readonly settings: ProviderSettings;
  readonly clientSecret: string | undefined;
  /** To which the provider sends the browser back: of the settings, never of a request. */
  readonly returnUrl: () => string;
  readonly nowMs: () => number;
}

interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly place: string;
  readonly untilMs: number;
}

export const providerLoginMs = 10 * 60_000;
const begunMax = 1000;

export class ProviderLogin {
  readonly #options: ProviderOptions;
  readonly #begun = new Map<string, Begun>();
  #configuration: Promise<openid.Configuration> | undefined;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.settings.name;
  }

  /**
   * @param place on our pages to which the person wants
   * @returns where the browser goes, and what it has to bring back in a cookie
   * @throws PeopleError `people.provider-unreachable`
   */
  async begin(place: string): Promise<{ readonly url: string; readonly ticket: string }> {
    const configuration = await this.#discovered();
    const ticket = newSecret();
    const verifier = openid.randomPKCECodeVerifier();
    const begun = { state: openid.randomState(), nonce: openid.randomNonce(), verifier, place: ownPlace(place) };
    const url = openid.buildAuthorizationUrl(configuration, {
      ...{ redirect_uri: this.#options.returnUrl(), scope: this.#options.settings.scope },
      ...{ state: begun.state, nonce: begun.nonce },
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const [oldest] = this.#begun.keys();
    if (this.#begun.size >= begunMax) this.#begun.delete(oldest!);
    this.#begun.set(keyOf(ticket), { ...begun, untilMs: this.#options.nowMs() + providerLoginMs });
    return { url: url.href, ticket };
  }

  /**
   * @param query of the address to which the provider has sent the browser
   * @throws PeopleError `people.provider-refused`, `people.provider-unreachable`, `people.no-role`
   */
  async finish(query: string, ticket: string | undefined): Promise<ProvidedPerson & { readonly place: string }> {
    const key = keyOf(ticket ?? '');
    const begun = this.#begun.get(key);
    // Whatever comes of it, it is not tried twice.
    this.#begun.delete(key);
    if (begun === undefined || this.#options.nowMs() >= begun.untilMs) throw providerRefused();
    const configuration = await this.#discovered();
    const returned = new URL(this.#options.returnUrl());
    returned.search = query;
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, returned, {
        ...{ expectedState: begun.state, expectedNonce: begun.nonce, pkceCodeVerifier: begun.verifier },
        idTokenExpected: true,
      });
      const claims = tokens.claims()!;
      const isTold = configuration.serverMetadata().userinfo_endpoint !== undefined;
      const told = isTold ? await openid.fetchUserInfo(configuration, tokens.access_token, claims.sub) : {};
      return { ...this.#personOf({ ...claims, ...told, iss: claims.iss, sub: claims.sub }), place: begun.place };
    } catch (cause) {
      if (cause instanceof PeopleError) throw cause;
      throw providerRefused(cause);
    }
  }

  #personOf(claims: Readonly<Record<string, unknown>> & { iss: string; sub: string }): ProvidedPerson {
    const { nameClaim, roles, rolesClaim } = this.#options.settings;
    const held = [valueAt(claims, rolesClaim) ?? []].flat().filter((value) => typeof value === 'string');
    const given = rolesSchema.parse(held.flatMap((value) => (Object.hasOwn(roles, value) ? roles[value]! : [])));
    if (given.length === 0) {
      throw new PeopleError('people.no-role', 'The provider knows this person, but gives no role here.', {
        statusCode: 403,
      });
    }
    const named = String(valueAt(claims, nameClaim) ?? '')
      .toLowerCase()
      .replace(/[^a-z0-9._@-]/g, '-');
    const name = accountNameSchema.safeParse(named.replace(/^[^a-z0-9]+/, '').slice(0, 64)).data ?? '';
    const display = (typeof claims['name'] === 'string' ? claims['name'] : named)
      .replace(/\p{Cc}/gu, '')
      .trim()
      .slice(0, 100);
    return {
      issuer: claims.iss,
      subject: claims.sub,
      name,
      display: display === '' ? 'person' : display,
      roles: given,
    };
  }

  #discovered(): Promise<openid.Configuration> {
    const { clientSecret, settings } = this.#options;
    const issuer = new URL(settings.issuer);
    const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(issuer.hostname);
    // Only for a provider on this machine: openid-client asks by https else.
    const execute = issuer.protocol === 'http:' && isLoopback ? [openid.allowInsecureRequests] : [];
    const how = clientSecret === undefined ? openid.None() : openid.ClientSecretBasic(clientSecret);
    this.#configuration ??= openid
      .discovery(issuer, settings.clientId, undefined, how, { execute, timeout: 10 })
      .catch((cause: unknown) => {
        this.#configuration = undefined;
        const text = 'The provider of logins does not answer as one. Try again, or ask whoever runs the archive.';
        throw new PeopleError('people.provider-unreachable', text, { statusCode: 502, cause });
      });
    return this.#configuration;
  }
}

/** Only a place on our own pages: anything else goes to the first. */
function ownPlace(place: string): string {
  return /^\/(?:[a-z-]+\.html)?(?:#\/[\w/.~%-]*)?$/.test(place) ? place : '/';
}

function valueAt(claims: object, path: string): unknown {
  let value: unknown = claims;
  for (const part of Object.hasOwn(claims, path) ? [path] : path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function keyOf(ticket: string): string {
  return secretHash(ticket).toString('hex');
}

function providerRefused(cause?: unknown): PeopleError {
  const text = 'The login at the provider was not finished, or not in this browser. Begin again.';
  return new PeopleError('people.provider-refused', text, { statusCode: 401, cause });
}
