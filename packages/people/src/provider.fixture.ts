/**
 * A provider of logins as a process of its own: oidc-provider, with its own pages for developers, where any name logs in with any
 * password. Says its address on stdout; the address of return is the first argument.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

const [returnUrl = ''] = process.argv.slice(2);
const groups: Readonly<Record<string, readonly string[]>> = {
  anna: ['staff', 'consilium-readers'],
  lena: ['consilium-readers', 'consilium-leads'],
  ward: ['staff'],
  adam: ['consilium-leads'],
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        ...{ client_id: 'archive', client_secret: 'secret-of-the-archive', redirect_uris: [returnUrl] },
        ...{ grant_types: ['authorization_code'], response_types: ['code'] },
      },
    ],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'realm'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['of-a-toy'] },
    findAccount: (_context: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({
        ...{ sub, name: `${sub} of the hospital`, preferred_username: sub },
        realm: { groups: groups[sub] ?? [] },
      }),
    }),
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
process.once('disconnect', () => process.exit());
