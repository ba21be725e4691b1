/** Cookies of a service (RFC 6265bis): for this host, for no script, and by https only where people come by https. */

export interface CookieOptions {
  readonly maxAgeSeconds: number;
  readonly isSecure: boolean;
  /** `Lax` where the browser comes back from another page, as from a provider of logins. */
  readonly sameSite?: 'Strict' | 'Lax';
}

/** Others of the same domain cannot set a cookie of such a name, and by http nobody can. */
export function cookieName(name: string, isSecure: boolean): string {
  return isSecure ? `__Host-${name}` : name;
}

export function cookieText(
  name: string,
  value: string,
  { isSecure, maxAgeSeconds, sameSite = 'Strict' }: CookieOptions,
): string {
  const secure = isSecure ? '; Secure' : '';
  return `${cookieName(name, isSecure)}=${value}; Path=/; HttpOnly; SameSite=${sameSite}; Max-Age=${maxAgeSeconds}${secure}`;
}

export function cookieOf(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
