/** Opens an association to a remote node (PS3.8), over TCP or TLS. */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ArchiveError } from '../archive-error.ts';
import { type AgreedContext, Association, pduBytesMax } from './association.ts';
import { ByteBudget } from './byte-budget.ts';
import {
  type AssociateAccept,
  contextResults,
  encodeAssociateRequest,
  type ProposedContext,
  type Rejection,
  type Role,
} from './pdu.ts';
import { PduReader } from './pdu-reader.ts';
import { protocolViolation } from './protocol-violation.ts';
import { SocketBytes } from './socket-bytes.ts';

/** Where to, and as whom. */
export interface DimseRemote {
  /** Of the other side. */
  readonly aeTitle: string;
  readonly host: string;
  readonly port: number;
  /** Ours. */
  readonly callingAeTitle: string;
  /** PEM texts; without `authority` the machine's authorities are believed. */
  readonly tls?:
    | {
        readonly authority?: string | undefined;
        readonly certificate?: string | undefined;
        readonly key?: string | undefined;
        /** Name in its certificate, where it is not `host`. */
        readonly serverName?: string | undefined;
      }
    | undefined;
  readonly connectMs?: number;
  /** A PACS that reads from tape may be silent for minutes. */
  readonly idleMs?: number;
  readonly instanceBytesMax?: number;
}

/** @throws ArchiveError `archive.dimse-unreachable`, `archive.dimse-rejected`, `archive.dimse-*` */
export async function openAssociation(
  remote: DimseRemote,
  proposal: { contexts: readonly Omit<ProposedContext, 'id'>[]; roles?: readonly Role[] },
): Promise<Association> {
  const socket = await connected(remote);
  try {
    const source = new SocketBytes(socket, { idleMs: remote.idleMs ?? 300_000 });
    const contexts = proposal.contexts.map((context, index) => ({ ...context, id: 2 * index + 1 }));
    const { aeTitle: calledAeTitle, callingAeTitle } = remote;
    const roles = proposal.roles ?? [];
    await source.write(encodeAssociateRequest({ calledAeTitle, callingAeTitle, contexts, roles, pduBytesMax }));
    const reader = new PduReader(source, { pduBytesMax });
    const answer = await reader.next();
    if (answer.kind === 'associate-reject') throw rejected(answer.rejection);
    if (answer.kind !== 'associate-accept') throw protocolViolation('an answer to an association request that is none');
    return new Association({
      socket,
      source,
      reader,
      contexts: agreedContexts(contexts, answer.accept),
      peerPduBytesMax: answer.accept.pduBytesMax,
      dataBytesMax: remote.instanceBytesMax ?? 2 ** 31,
      budget: new ByteBudget({ bytesMax: Number.POSITIVE_INFINITY }),
    });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** @throws ArchiveError `archive.dimse-no-context` */
export function contextFor(association: Association, abstractSyntax: string): AgreedContext {
  const context = association.contexts.find((agreed) => agreed.abstractSyntax === abstractSyntax);
  if (context !== undefined) return context;
  const message = 'The other side does not offer this service, or not to us.';
  throw new ArchiveError('archive.dimse-no-context', message, { detail: abstractSyntax });
}

function agreedContexts(proposed: readonly ProposedContext[], accept: AssociateAccept): AgreedContext[] {
  return accept.contexts.flatMap(({ id, result, transferSyntax }) => {
    const context = proposed.find((candidate) => candidate.id === id);
    if (context === undefined || result !== contextResults.accepted) return [];
    if (!context.transferSyntaxes.includes(transferSyntax)) throw protocolViolation('a transfer syntax not offered');
    return [{ id, abstractSyntax: context.abstractSyntax, transferSyntax }];
  });
}

function connected({ host, port, tls, connectMs = 20_000 }: DimseRemote): Promise<Socket> {
  const { promise, reject, resolve } = Promise.withResolvers<Socket>();
  const socket: Socket =
    tls === undefined
      ? connect({ host, port, noDelay: true })
      : connectTls({
          ...{ host, port, minVersion: 'TLSv1.2' },
          // Addresses are not named to the server (RFC 6066), but still compared with its certificate.
          ...(isIP(tls.serverName ?? host) === 0 ? { servername: tls.serverName ?? host } : {}),
          ...(tls.authority === undefined ? {} : { ca: tls.authority }),
          ...(tls.certificate === undefined ? {} : { cert: tls.certificate, key: tls.key }),
        });
  const detail = `${host}:${port}`;
  const fail = (cause?: unknown) => {
    socket.destroy();
    const message = 'The other side cannot be reached.';
    reject(
      new ArchiveError('archive.dimse-unreachable', message, { detail, ...(cause === undefined ? {} : { cause }) }),
    );
  };
  socket.setTimeout(connectMs, fail);
  socket.once('error', fail);
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
    socket.setNoDelay(true);
    socket.setTimeout(0, fail);
    socket.off('timeout', fail);
    socket.off('error', fail);
    resolve(socket);
  });
  return promise;
}

function rejected({ result, source, reason }: Rejection): ArchiveError {
  const why = source === 1 ? userReasons[reason] : 'it cannot take an association now';
  const message = `The other side refused the association: ${why ?? 'it gives no reason'}.`;
  return new ArchiveError('archive.dimse-rejected', message, {
    detail: `result ${result}, source ${source}, reason ${reason}`,
  });
}

/** PS3.8 table 9-21, from the service user. */
const userReasons: Readonly<Record<number, string>> = {
  3: 'it does not know our AE title, or not from this address',
  7: 'it does not go by that AE title',
};
