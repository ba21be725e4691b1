/**
 * What comes on an association, PDU by PDU; fragments of messages piece by piece as the network gives them, so that no
 * length a peer states is ever allocated.
 */
import { ArchiveError } from '../archive-error.ts';
import {
  type AssociateAccept,
  type AssociateRequest,
  decodeAssociateAccept,
  decodeAssociateRequest,
  pduTypes,
  type Rejection,
} from './pdu.ts';
import { protocolViolation } from './protocol-violation.ts';
import type { SocketBytes } from './socket-bytes.ts';

export type Received =
  | { readonly kind: 'associate-request'; readonly request: AssociateRequest }
  | { readonly kind: 'associate-accept'; readonly accept: AssociateAccept }
  | { readonly kind: 'associate-reject'; readonly rejection: Rejection }
  | { readonly kind: 'release-request' }
  | { readonly kind: 'release-response' }
  | Piece;

/** Part of a message: a fragment (PS3.8 9.3.5.1), or part of one. */
export interface Piece {
  readonly kind: 'piece';
  readonly contextId: number;
  readonly command: boolean;
  /** The last bytes of the command set or data set. */
  readonly last: boolean;
  /** Not copied, and not written to again. */
  readonly bytes: Buffer;
}

/** 128 presentation contexts with all transfer syntaxes there are take about 120 KiB. */
const associationBytesMax = 512 * 1024;

export class PduReader {
  readonly #source: SocketBytes;
  readonly #pduBytesMax: number;
  /** Bytes of the data PDU at hand that are still to come. */
  #pduRest = 0;
  #fragment = { contextId: 0, command: false, last: false, rest: 0 };

  /** @param options.pduBytesMax the longest data PDU that was agreed to. */
  constructor(source: SocketBytes, options: { pduBytesMax: number }) {
    this.#source = source;
    this.#pduBytesMax = options.pduBytesMax;
  }

  /** @throws ArchiveError `archive.dimse-protocol`, `archive.dimse-aborted`, `archive.dimse-closed`, `archive.dimse-silent` */
  async next(): Promise<Received> {
    if (this.#fragment.rest > 0) return this.#piece();
    if (this.#pduRest > 0) return this.#nextFragment();
    const head = await this.#source.exactly(6);
    const bytes = head.readUInt32BE(2);
    switch (head[0]) {
      case pduTypes.data:
        if (bytes > this.#pduBytesMax) throw protocolViolation('a data PDU longer than was agreed');
        if (bytes < 6) throw protocolViolation('a data PDU without a fragment');
        this.#pduRest = bytes;
        return this.#nextFragment();
      case pduTypes.associateRequest:
        return { kind: 'associate-request', request: decodeAssociateRequest(await this.#association(bytes)) };
      case pduTypes.associateAccept:
        return { kind: 'associate-accept', accept: decodeAssociateAccept(await this.#association(bytes)) };
      case pduTypes.associateReject:
        return { kind: 'associate-reject', rejection: rejectionOf(await this.#short(bytes)) };
      case pduTypes.releaseRequest:
        await this.#short(bytes);
        return { kind: 'release-request' };
      case pduTypes.releaseResponse:
        await this.#short(bytes);
        return { kind: 'release-response' };
      case pduTypes.abort:
        await this.#short(bytes);
        throw new ArchiveError('archive.dimse-aborted', 'The other side aborted the association.');
      default:
        throw protocolViolation('a PDU of an unknown type');
    }
  }

  async #association(bytes: number): Promise<Buffer> {
    if (bytes > associationBytesMax) throw protocolViolation('an association PDU that is too long');
    return this.#source.exactly(bytes);
  }

  async #short(bytes: number): Promise<Buffer> {
    if (bytes !== 4) throw protocolViolation('a PDU of four bytes with another length');
    return this.#source.exactly(4);
  }

  async #nextFragment(): Promise<Piece> {
    if (this.#pduRest < 6) throw protocolViolation('a fragment that is cut short');
    const head = await this.#source.exactly(6);
    const bytes = head.readUInt32BE(0);
    if (bytes < 2 || bytes + 4 > this.#pduRest) throw protocolViolation('a fragment longer than its PDU');
    this.#pduRest -= 6;
    this.#fragment = {
      contextId: head[4]!,
      command: (head[5]! & 1) === 1,
      last: (head[5]! & 2) === 2,
      rest: bytes - 2,
    };
    return this.#piece();
  }

  async #piece(): Promise<Piece> {
    const { contextId, command, last, rest } = this.#fragment;
    const bytes = rest === 0 ? Buffer.alloc(0) : await this.#source.atMost(rest);
    this.#fragment.rest -= bytes.length;
    this.#pduRest -= bytes.length;
    return { kind: 'piece', contextId, command, last: last && this.#fragment.rest === 0, bytes };
  }
}

function rejectionOf(body: Buffer): Rejection {
  return { result: body[1] === 2 ? 2 : 1, source: body[2] === 2 ? 2 : body[2] === 3 ? 3 : 1, reason: body[3]! };
}
