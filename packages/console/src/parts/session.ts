/** Logging in: with the link that the archive shows, whose fragment has the token. */
import { ask } from './service-client.ts';

const tokenPattern = /(?:^|#)token=([0-9a-f]+)/i;

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

export async function logOut(): Promise<void> {
  await ask('/session', { method: 'DELETE' });
}
