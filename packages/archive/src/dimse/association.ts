/** An association once it is agreed on: messages both ways (PS3.7), release and abort (PS3.8). */
import type { Socket } from 'node:net';
import { ArchiveError } from '../archive-error.ts';
import type { ByteBudget } from './byte-budget.ts';
import { type CommandSet, decodeCommandSet, encodeCommandSet, hasDataSet } from './command-set.ts';
import { PartList } from './part-list.ts';
import { abortReasons, dataPduHead, encodeAbort, encodeReleaseRequest, encodeReleaseResponse } from './pdu.ts';
import type { PduReader, Piece } from './pdu-reader.ts';
import { protocolViolation } from './protocol-violation.ts';
import type { SocketBytes } from './socket-bytes.ts';

export interface AgreedContext {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntax: string;
}

export interface Message {
  readonly context: AgreedContext;
  readonly command: CommandSet;
  /** The data set as it came, in parts. */
  readonly data: ReceivedData | undefined;
}

export interface ReceivedData {
  /** In order; none where it is too long, or where they were taken before. */
  readonly takeParts: () => readonly Buffer[];
  readonly bytes: number;
  /** It was longer than `dataBytesMax`: the parts are gone. */
  readonly tooLong: boolean;
}

export interface AssociationOptions {
  readonly socket: Socket;
  readonly source: SocketBytes;
  readonly reader: PduReader;
  readonly contexts: readonly AgreedContext[];
  /** The longest data PDU the other side takes; 0 without a limit. */
  readonly peerPduBytesMax: number;
  readonly dataBytesMax: number;
  readonly budget: ByteBudget;
}

const commandBytesMax = 16 * 1024;
/** Of ours, where the other side sets no limit or a higher one. */
export const pduBytesMax = 128 * 1024;

export class Association {
  readonly contexts: readonly AgreedContext[];
  readonly #options: AssociationOptions;
  readonly #fragmentBytesMax: number;
  /** Of the last message's data set. */
  #list: PartList | undefined;

  constructor(options: AssociationOptions) {
    this.#options = options;
    this.contexts = options.contexts;
    const limit = options.peerPduBytesMax === 0 ? pduBytesMax : Math.min(options.peerPduBytesMax, pduBytesMax);
    // A limit too small to hold anything is no limit that can be kept to. Fragments have even lengths (PS3.8 annex E).
    this.#fragmentBytesMax = (Math.max(limit, 64) - 6) & ~1;
  }

  /**
   * The next message, or undefined when the other side released the association. What its data set takes of the budget
   * is held until `letGo`.
   * @throws ArchiveError `archive.dimse-protocol`, `archive.dimse-aborted`, `archive.dimse-closed`, `archive.dimse-silent`
   */
  async receive(): Promise<Message | undefined> {
    const first = await this.#options.reader.next();
    if (first.kind === 'release-request') {
      await this.#options.source.write(encodeReleaseResponse());
      return undefined;
    }
    const commandPiece = pieceOf(first);
    const { contextId } = commandPiece;
    const context = this.contexts.find(({ id }) => id === contextId);
    if (context === undefined) throw protocolViolation('a message in a presentation context that was not accepted');
    const command = decodeCommandSet(await this.#command(commandPiece));
    if (!hasDataSet(command)) return { context, command, data: undefined };
    return { context, command, data: await this.#data(contextId) };
  }

  /** The last message's data set is no longer needed. */
  letGo(): void {
    // Whoever waits for the next message may still have this one in hand.
    this.#list?.take();
    this.#list = undefined;
    this.#options.budget.letGo(this);
  }

  async send(context: AgreedContext, command: CommandSet, data?: Uint8Array): Promise<void> {
    const { source } = this.#options;
    const bytes = encodeCommandSet(command, { dataSet: data !== undefined });
    const head = dataPduHead({ contextId: context.id, command: true, last: true, bytes: bytes.length });
    await source.write(head, bytes);
    if (data === undefined) return;
    for (let at = 0; at < data.length; at += this.#fragmentBytesMax) {
      const fragment = data.subarray(at, at + this.#fragmentBytesMax);
      const last = at + fragment.length === data.length;
      const fragmentHead = dataPduHead({ contextId: context.id, command: false, last, bytes: fragment.length });
      await source.write(fragmentHead, fragment);
    }
  }

  /** Ends it in good order, as the side that asked for it. */
  async release(): Promise<void> {
    await this.#options.source.write(encodeReleaseRequest());
    // What was still on its way comes first.
    for (;;) {
      const { kind } = await this.#options.reader.next();
      if (kind === 'release-response') break;
    }
    this.#options.socket.end();
  }

  /** Ends it at once; nothing of an unfinished message remains. */
  abort(reason: number = abortReasons.unspecified): void {
    this.letGo();
    const { socket } = this.#options;
    if (socket.writable) socket.write(encodeAbort(reason));
    socket.destroySoon();
  }

  async #command(first: Piece): Promise<Buffer> {
    const parts: Buffer[] = [];
    let bytes = 0;
    for (let piece = first; ; piece = pieceOf(await this.#options.reader.next())) {
      if (!piece.command || piece.contextId !== first.contextId) throw protocolViolation('a message without a command');
      bytes += piece.bytes.length;
      if (bytes > commandBytesMax) throw protocolViolation('a command set that is too long');
      if (piece.bytes.length > 0) parts.push(piece.bytes);
      if (piece.last) return Buffer.concat(parts, bytes);
    }
  }

  async #data(contextId: number): Promise<ReceivedData> {
    const { budget, dataBytesMax, reader } = this.#options;
    const list = new PartList();
    this.#list = list;
    let bytes = 0;
    for (;;) {
      const piece = pieceOf(await reader.next());
      if (piece.command || piece.contextId !== contextId) throw protocolViolation('a command within a data set');
      bytes += piece.bytes.length;
      if (bytes <= dataBytesMax) {
        await budget.take(this, piece.bytes.length);
        list.add(piece.bytes);
      } else {
        this.letGo();
      }
      if (piece.last) return { takeParts: () => list.take(), bytes, tooLong: bytes > dataBytesMax };
    }
  }
}

function pieceOf(received: { readonly kind: string }): Piece {
  if (received.kind === 'piece') return received as Piece;
  throw protocolViolation('a PDU that has no place within an association');
}

/** Whether it is the other side, or the network, that failed. */
export function isPeerFailure(error: unknown): error is ArchiveError {
  return error instanceof ArchiveError && error.code.startsWith('archive.dimse-');
}
