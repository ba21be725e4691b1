/**
 * TLS through a proxy that is asked to CONNECT. Not undici's own: when a proxy hangs up, that one asks again at once and
 * without end, and the request never fails.
 */
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

export interface TunnelOptions {
  /** `http://user:password@host:port` */
  readonly proxy: string;
  /** Of the connection to whoever is behind the proxy. */
  readonly tls: buildConnector.BuildOptions;
  /** How long the proxy may take to answer. */
  readonly idleMs: number;
}

/** For an undici `Agent`. */
export function tunnelConnector({ proxy, tls, idleMs }: TunnelOptions): buildConnector.connector {
  const connectTls = buildConnector(tls);
  return (options, callback) => {
    openTunnel({ proxy, idleMs, to: `${options.hostname}:${options.port || 443}` }).then(
      (httpSocket) => connectTls({ ...options, httpSocket }, callback),
      (error: Error) => callback(error, null),
    );
  };
}

/** Rejects with `Proxy response (<status>)` if the proxy says no. */
export function openTunnel({ proxy, idleMs, to }: { proxy: string; idleMs: number; to: string }): Promise<Socket> {
  const { hostname, port, username, password } = new URL(proxy);
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const asking = request({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port || 80,
    method: 'CONNECT',
    path: to,
    agent: false,
    headers: {
      host: to,
      ...(username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
    },
  });
  const timeUp = () => asking.destroy(Object.assign(new Error('The proxy does not answer.'), { code: 'ETIMEDOUT' }));
  asking.setTimeout(idleMs, timeUp);
  asking.once('error', reject);
  asking.once('connect', ({ statusCode }, socket, head) => {
    socket.setTimeout(0);
    socket.off('timeout', timeUp);
    if (statusCode !== 200) {
      socket.destroy();
      return reject(new Error(`Proxy response (${statusCode}) to CONNECT`));
    }
    if (head.length > 0) socket.unshift(head);
    resolve(socket as Socket);
  });
  asking.end();
  return promise;
}
