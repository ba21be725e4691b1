/** Who is logged in, and logging in: with a password, or with the link that the service shows, whose fragment has the token. */
import type { LoginAnswer, LoginOffer, Permission, WhoAsks } from '@consilium/people/api';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { addressOf, ask, routeWith } from './service-client.ts';
import { type ServiceError, serviceErrorOf } from './service-error.ts';

const tokenPattern = /(?:^|#)token=([0-9a-f]+)/i;
const refusedPattern = /^#refused=(people\.[a-z-]+)$/;

export const whoAsks = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => ask<WhoAsks>('/session', { signal }),
  staleTime: 60_000,
});
export const loginOffer = queryOptions({
  queryKey: ['login'],
  queryFn: ({ signal }) => ask<LoginOffer>('/login', { signal }),
});

/** Whether who is logged in may do that; what the service allows, it checks itself. */
export function useMay(permission: Permission): boolean {
  const { data } = useQuery(whoAsks);
  return data?.permissions.includes(permission) ?? false;
}

/** With the token of the page's address, which is removed from it whatever comes of it. */
export async function logInByAddress(): Promise<void> {
  const token = tokenPattern.exec(location.hash)?.[1];
  if (token === undefined) return;
  history.replaceState(null, '', `${location.pathname}${location.search}#/`);
  // Whether it worked, the session tells.
  await logIn(token).catch(() => {});
}

/** @param text the token, or the link with it. @throws ServiceError `people.login-refused` */
export async function logIn(text: string): Promise<void> {
  await ask('/session', { method: 'POST', body: { token: tokenPattern.exec(text)?.[1] ?? text.trim() } });
}

export interface PasswordLogin {
  readonly name: string;
  readonly password: string;
  /** Of the second factor, once it was asked for. */
  readonly code?: string;
}

/** @throws ServiceError `people.login-refused`, `people.too-many-tries` */
export function logInWithPassword(body: PasswordLogin): Promise<LoginAnswer> {
  return ask('/session', { method: 'POST', body });
}

/** Where the browser goes for a login at the hospital's provider, to come back to this page. */
export function providerAddress(): string {
  const place = `${location.pathname}${location.hash.startsWith('#/') ? location.hash : ''}`;
  return addressOf(routeWith('/login/provider', { place }));
}

/** Why the provider's login was not taken, as the address says; undefined if it says nothing. */
export function refusalOfAddress(): ServiceError | undefined {
  const code = refusedPattern.exec(location.hash)?.[1];
  return code === undefined ? undefined : serviceErrorOf(401, { code, message: 'You were not let in.' });
}

export async function logOut(): Promise<void> {
  await ask('/session', { method: 'DELETE' });
}
