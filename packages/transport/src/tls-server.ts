/**
 * The coordinator's end of TLS: Fastify over HTTP/1.1 and TLS 1.3. Every request comes with a certificate of the
 * project's authority, but for routes that say `config: { anonymous: true }`: who enrols has none yet. A certificate is
 * looked at for every request, not once a connection: connections outlive certificates.
 */
import type { X509Certificate } from 'node:crypto';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import type { Credentials } from './credentials.ts';
import { answerError } from './error-answer.ts';
import { type Identity, identityOf } from './identity.ts';
import { wallClockMs } from './ports/wall-clock.ts';
import { Refusal } from './refusal.ts';
import { TransportError } from './transport-error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Null only in anonymous routes. */
    identity: Identity | null;
  }
  interface FastifyContextConfig {
    /** Answered without a certificate, too. */
    anonymous?: boolean;
  }
}

export interface TlsServerOptions {
  readonly project: string;
  /** A server certificate of `authority`, and its key. */
  readonly credentials: Credentials;
  /** The certificate of the project's authority, PEM. */
  readonly authority: string;
  /** Asked for every request of someone with a certificate of the project that is valid now: whether it is let in. */
  readonly admits: (identity: Identity) => boolean;
  readonly nowMs?: () => number;
  /** A connection on which no byte moves for this long is closed. */
  readonly idleMs?: number;
  readonly logger?: FastifyBaseLogger;
}

export interface TlsServer {
  /** For routes and plugins, and to `listen`. Its `close` ends lines and transfers at once. */
  readonly app: FastifyInstance;
  /** For new connections; those that exist go on. */
  replaceCredentials(credentials: Credentials): void;
}

export function createTlsServer(options: TlsServerOptions): TlsServer {
  const { authority, credentials, idleMs = 60_000, logger, nowMs = wallClockMs, admits } = options;
  const secureContext = ({ certificate, key }: Credentials) => ({
    // With the authority's own, so that a site that joins can compare its fingerprint.
    cert: `${certificate.trim()}\n${authority}`,
    key,
    ca: authority,
    minVersion: 'TLSv1.3' as const,
  });
  const app = fastify({
    https: {
      ...secureContext(credentials),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: 20_000,
      // Idle limits, not total ones: a slow transfer that advances goes on.
      requestTimeout: 0,
    },
    requestTimeout: 0,
    connectionTimeout: idleMs,
    keepAliveTimeout: idleMs,
    forceCloseConnections: true,
    // Requests are logged below: sites say that they are alive every few seconds.
    logController: new LogController({ disableRequestLogging: true }),
    ...(logger === undefined ? {} : { loggerInstance: logger }),
  }) as unknown as FastifyInstance;
  const identities = new WeakMap<TLSSocket, Identity>();

  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new Refusal(404, 'transport.no-such-route', 'The coordinator knows no such request: it may be older.');
  });
  app.decorateRequest('identity', null);
  app.addHook('onRequest', async (request) => {
    try {
      const socket = request.raw.socket as TLSSocket;
      const identity = identities.get(socket) ?? identify(socket, options.project);
      identities.set(socket, identity);
      checkCurrent(identity, nowMs(), admits);
      request.identity = identity;
    } catch (error) {
      if (request.routeOptions.config.anonymous !== true) throw error;
    }
  });
  // Never what was sent, nor anything of an address that no route has.
  app.addHook('onResponse', async ({ log, method, routeOptions, identity }, { statusCode, elapsedTime }) => {
    const who = identity === null ? {} : { role: identity.role, id: identity.id };
    log.debug({ method, route: routeOptions.url, ...who, status: statusCode, ms: Math.round(elapsedTime) }, 'request');
  });

  return {
    app,
    replaceCredentials: (replacement) => (app.server as unknown as Server).setSecureContext(secureContext(replacement)),
  };
}

function identify(socket: TLSSocket, project: string): Identity {
  const certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new Refusal(401, 'transport.certificate-wanted', 'A certificate is needed.');
  if (!socket.authorized) {
    const reason = String(socket.authorizationError);
    if (reason === 'CERT_HAS_EXPIRED') throw expired();
    if (reason === 'CERT_NOT_YET_VALID') {
      throw new Refusal(
        403,
        'transport.certificate-not-yet-valid',
        'The certificate is not valid yet: a clock is wrong.',
      );
    }
    throw new Refusal(403, 'transport.certificate-foreign', 'The certificate is not one of this project for a client.');
  }
  try {
    return identityOf(certificate, project);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    throw new Refusal(403, error.code, 'The certificate was issued for nobody in this project.');
  }
}

function checkCurrent(identity: Identity, nowMs: number, admits: (identity: Identity) => boolean): void {
  if (identity.notAfterMs < nowMs) throw expired();
  if (!admits(identity)) throw new Refusal(403, 'transport.certificate-revoked', 'The certificate was revoked.');
}

function expired(): Refusal {
  return new Refusal(403, 'transport.certificate-expired', 'The certificate has expired.');
}
