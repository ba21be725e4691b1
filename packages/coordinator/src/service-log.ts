/**
 * The coordinator's log: one JSON object a line. Members, connections and jobs at `info`, requests and steps at `debug`;
 * never what was sent in a request, and of a secret not even by accident.
 */
import type { JobEvent } from '@consilium/federation';
import type { FastifyBaseLogger } from 'fastify';
import { type DestinationStream, pino } from 'pino';

export interface ServiceLogOptions {
  readonly level?: 'error' | 'warn' | 'info' | 'debug' | 'trace';
  /** A file, made with its directories, or where lines are handed to. Default: stderr. */
  readonly to?: string | DestinationStream;
}

/** Fields that no line may have, should someone log an object that has them. */
const secrets = ['token', 'key', 'proxy', 'request', 'certificate', 'authorization', 'credentials', 'invitation'];
const stderr = 2;

export function openServiceLog({ level = 'info', to = '' }: ServiceLogOptions = {}): FastifyBaseLogger {
  const stream = typeof to === 'string' ? pino.destination({ dest: to || stderr, mkdir: true, sync: true }) : to;
  const redact = { paths: secrets.flatMap((name) => [name, `*.${name}`]), remove: true };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact }, stream);
}

/** For a coordinator that was given no log. */
export function silentLog(): FastifyBaseLogger {
  return pino({ level: 'silent' });
}

export function logJobEvent(log: FastifyBaseLogger, { kind, ...fields }: JobEvent): void {
  if (kind === 'site-step' || kind === 'site-case') log.debug(fields, kind);
  else if (kind === 'site-lost' || kind === 'site-left-out') log.warn(fields, kind);
  else log.info(fields, kind);
}
