/** Why a request got no answer, in a code and a sentence that says who has to do what. */
import { TransportError } from './transport-error.ts';

export interface ConnectionPlaces {
  readonly origin: string;
  /** Without its password. */
  readonly proxy?: string | undefined;
}

const unknownHost = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'];
const unreachable = [
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
];
const unknownAuthority = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
];

export function connectionError(error: unknown, places: ConnectionPlaces): TransportError {
  if (error instanceof TransportError) return error;
  const [code, text] = explain(error, places);
  return new TransportError(code, text, { cause: error });
}

function explain(error: unknown, { origin, proxy }: ConnectionPlaces): [`transport.${string}`, string] {
  const { code: given, message } = error as { code?: unknown; message?: unknown };
  const code = String(given);
  const status = /^Proxy response \((\d+)\)/.exec(String(message))?.[1];
  const host = new URL(origin).hostname;
  if (status === '407') {
    return ['transport.proxy-authentication', `The proxy ${proxy} wants another user name or password. Correct them.`];
  }
  if (status === '403') {
    const text = `The proxy ${proxy} forbids connections to ${host}. Ask whoever runs it to allow CONNECT to ${origin}.`;
    return ['transport.proxy-forbidden', text];
  }
  if (status !== undefined) {
    return ['transport.proxy-failed', `The proxy ${proxy} could not reach ${origin} (it answered ${status}).`];
  }
  // With a proxy, only the proxy's own name and address are looked up and connected to from here.
  if (proxy !== undefined && [...unknownHost, ...unreachable, 'ECONNREFUSED'].includes(code)) {
    const text = `The proxy ${proxy} cannot be reached (${code}). Check its address and that it runs.`;
    return ['transport.proxy-unreachable', text];
  }
  if (unknownHost.includes(code)) {
    return [
      'transport.unknown-host',
      `The name ${host} cannot be resolved (${code}). Check it, and this machine's DNS.`,
    ];
  }
  if (code === 'ECONNREFUSED') {
    const text = `${origin} refuses connections. Check the port, and that the coordinator runs.`;
    return ['transport.connection-refused', text];
  }
  if (unreachable.includes(code)) {
    const text = `${origin} cannot be reached (${code}). A firewall may block outbound connections: ask for this one port.`;
    return ['transport.unreachable', text];
  }
  return explainTls(code, String(message), origin);
}

function explainTls(code: string, message: string, origin: string): [`transport.${string}`, string] {
  if (unknownAuthority.includes(code)) {
    const text = `${origin} does not show a certificate of this project. It is another server, or something in between opens TLS: have it leave this connection alone.`;
    return ['transport.authority-unknown', text];
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const text = `The coordinator's certificate is not for ${new URL(origin).hostname}. Use the name that it is for, or have it issued for this one.`;
    return ['transport.host-mismatch', text];
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const text = `By this machine's clock the coordinator's certificate is not valid now. Check the clock first.`;
    return ['transport.server-certificate-expired', text];
  }
  if (code === 'INVALID_PURPOSE') {
    return ['transport.not-a-coordinator', `${origin} shows a certificate that is not a coordinator's.`];
  }
  if (/wrong version number|unsupported protocol|alert protocol version|packet length too long/i.test(message)) {
    return ['transport.no-tls', `${origin} does not speak TLS 1.3. Check the port, and what stands in between.`];
  }
  return ['transport.connection-lost', `The connection to ${origin} was lost (${code}). It is made again.`];
}
