/** One association of a sender with us, from its first byte to its last. */
import type { Socket } from 'node:net';
import type { Door } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';
import { Association, isPeerFailure, type Message, pduBytesMax } from './association.ts';
import { answerTo } from './association-answer.ts';
import type { ByteBudget } from './byte-budget.ts';
import { commandFields } from './command-set.ts';
import { abortReasons, encodeAbort, encodeAssociateAccept, encodeReject, type Rejection, rejections } from './pdu.ts';
import { PduReader } from './pdu-reader.ts';
import type { Peer, PeerList } from './peer.ts';
import { protocolViolation } from './protocol-violation.ts';
import { SocketBytes } from './socket-bytes.ts';
import { type StoragePolicy, verificationClass } from './sop-classes.ts';
import { answerStore, storeStatuses } from './store-answer.ts';

export interface StorageSessionOptions {
  readonly aeTitle: string;
  readonly peers: PeerList;
  readonly door: Door;
  readonly storage: StoragePolicy;
  readonly idleMs: number;
  /** From the connection to the whole of its request. */
  readonly requestMs: number;
  readonly instanceBytesMax: number;
  readonly budget: ByteBudget;
  /** Whether there is room for one more association. */
  readonly hasRoom: () => boolean;
  readonly report: (event: StorageEvent) => void;
}

/** For the log and for counting. Names of peers and machines, never of a patient. */
export type StorageEvent =
  | {
      readonly kind: 'rejected';
      readonly address: string;
      readonly callingAeTitle: string;
      readonly rejection: Rejection;
    }
  | { readonly kind: 'opened'; readonly peer: string }
  | { readonly kind: 'answered'; readonly peer: string; readonly status: number; readonly bytes: number }
  | { readonly kind: 'closed'; readonly peer: string }
  /** Ended without release. `detail` of the error is for the local log. */
  | { readonly kind: 'broken'; readonly address: string; readonly error: ArchiveError };

/** PS3.7 annex C.5: what we do not offer. */
const unrecognizedOperation = 0x0211;

export class StorageSession {
  readonly #socket: Socket;
  readonly #options: StorageSessionOptions;
  readonly #source: SocketBytes;
  readonly #address: string;
  #association: Association | undefined;
  #busy = false;
  #closing = false;

  constructor(socket: Socket, options: StorageSessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#address = socket.remoteAddress ?? '';
    this.#source = new SocketBytes(socket, { idleMs: options.idleMs });
  }

  /** Resolves when the connection is over, never rejects. */
  async run(): Promise<void> {
    try {
      const peer = await this.#open();
      if (peer === undefined) return;
      this.#options.report({ kind: 'opened', peer: peer.name });
      await this.#serve(peer);
      this.#options.report({ kind: 'closed', peer: peer.name });
      this.#socket.end();
    } catch (error) {
      this.#break(error);
    } finally {
      this.#association?.letGo();
      this.#socket.destroySoon();
    }
  }

  /** After the instance at hand, if there is one. */
  close(): void {
    this.#closing = true;
    if (!this.#busy) this.#abort(abortReasons.unspecified);
  }

  async #open(): Promise<Peer | undefined> {
    const { aeTitle, budget, hasRoom, instanceBytesMax, peers, report, requestMs, storage } = this.#options;
    const late = setTimeout(() => this.#socket.destroy(), requestMs);
    late.unref();
    const reader = new PduReader(this.#source, { pduBytesMax });
    const first = await reader.next().finally(() => clearTimeout(late));
    if (first.kind !== 'associate-request')
      throw protocolViolation('an association that does not begin with a request');
    const { request } = first;
    const known = answerTo(request, { aeTitle, address: this.#address, peers, storage });
    const answer =
      known.kind === 'accept' && !hasRoom() ? ({ kind: 'reject', rejection: rejections.localLimit } as const) : known;
    if (answer.kind === 'reject') {
      const { callingAeTitle } = request;
      report({ kind: 'rejected', address: this.#address, callingAeTitle, rejection: answer.rejection });
      this.#socket.end(encodeReject(answer.rejection));
      return undefined;
    }
    const { callingAeTitle, calledAeTitle } = request;
    await this.#source.write(
      encodeAssociateAccept({ callingAeTitle, calledAeTitle, contexts: answer.answered, pduBytesMax, roles: [] }),
    );
    this.#association = new Association({
      socket: this.#socket,
      source: this.#source,
      reader,
      contexts: answer.agreed,
      peerPduBytesMax: request.pduBytesMax,
      dataBytesMax: instanceBytesMax,
      budget,
    });
    return answer.peer;
  }

  async #serve(peer: Peer): Promise<void> {
    const association = this.#association!;
    while (!this.#closing) {
      const message = await association.receive();
      if (message === undefined) return;
      this.#busy = true;
      try {
        await this.#answer(association, message, peer);
      } finally {
        this.#busy = false;
        association.letGo();
      }
    }
    association.abort();
  }

  async #answer(association: Association, message: Message, peer: Peer): Promise<void> {
    const { command, context } = message;
    const respondedToMessageId = command.messageId;
    const { affectedSopClassUid, affectedSopInstanceUid } = command;
    switch (command.commandField) {
      case commandFields.echoRequest:
        return association.send(context, {
          commandField: commandFields.echoResponse,
          affectedSopClassUid: verificationClass,
          respondedToMessageId,
          status: storeStatuses.success,
        });
      case commandFields.storeRequest: {
        const answer = await answerStore(message, { door: this.#options.door, callingAeTitle: peer.aeTitle });
        this.#options.report({
          kind: 'answered',
          peer: peer.name,
          status: answer.status,
          bytes: message.data?.bytes ?? 0,
        });
        const commandField = commandFields.storeResponse;
        return association.send(context, {
          commandField,
          affectedSopClassUid,
          affectedSopInstanceUid,
          respondedToMessageId,
          ...answer,
        });
      }
      // There is nothing to cancel, and no answer to it.
      case commandFields.cancelRequest:
        return;
      default:
        if ((command.commandField & 0x8000) !== 0) throw protocolViolation('a response to no request');
        return association.send(context, {
          commandField: command.commandField | 0x8000,
          respondedToMessageId,
          status: unrecognizedOperation,
        });
    }
  }

  #break(error: unknown): void {
    if (this.#closing) return;
    if (!isPeerFailure(error)) {
      this.#abort(abortReasons.unspecified);
      const message = 'An association ended by a fault of the archive.';
      error = new ArchiveError('archive.dimse-fault', message, { cause: error });
    } else if (error.code === 'archive.dimse-protocol') {
      this.#abort(this.#association === undefined ? abortReasons.unexpectedPdu : abortReasons.invalidParameter);
    }
    this.#options.report({ kind: 'broken', address: this.#address, error: error as ArchiveError });
  }

  #abort(reason: number): void {
    this.#association?.letGo();
    if (this.#socket.writable) this.#socket.write(encodeAbort(reason));
    this.#socket.destroySoon();
  }
}
