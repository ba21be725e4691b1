/**
 * A site's way to its coordinator: one address, one port, outbound only. A line on which the coordinator speaks,
 * messages that it answers with a verdict, and blobs both ways.
 */
import { type BlobStore, blobIdOf } from '@consilium/federation';
import {
  type BlobId,
  type CoordinatorMessage,
  type Hello,
  type Manifest,
  parseCoordinatorMessage,
  parseVerdict,
  type SiteMessage,
  type Verdict,
} from '@consilium/protocol';
import { fetchBlob, offerBlob } from './blob-transfer.ts';
import { ChunkBuffers } from './chunk-buffers.ts';
import type { Credentials } from './credentials.ts';
import { EventReader } from './event-reader.ts';
import { Requests, type RequestsOptions } from './requests.ts';
import { TransportError } from './transport-error.ts';

export interface CoordinatorClientOptions extends RequestsOptions {
  /** Chunks on their way at a time, of all transfers. */
  readonly chunksAtOnce?: number;
  /** Told of each attempt of a transfer that failed and will be made again. */
  readonly onRetry?: (error: TransportError) => void;
}

/** Manifests that were told of and not yet asked for. */
const toldMax = 200;
const never = new AbortController().signal;

export class CoordinatorClient {
  readonly #requests: Requests;
  readonly #options: CoordinatorClientOptions;
  readonly #atOnce: number;
  readonly #buffers: ChunkBuffers;
  /** What tasks came with. */
  readonly #told = new Map<BlobId, Manifest>();

  constructor(options: CoordinatorClientOptions) {
    this.#options = options;
    this.#atOnce = options.chunksAtOnce ?? 3;
    this.#buffers = new ChunkBuffers(this.#atOnce);
    this.#requests = new Requests(options);
  }

  /**
   * What the coordinator says, from now until the line ends, which is always by an error: coded, or the signal's. Open
   * the next line after a while of chance.
   * @throws TransportError, Refusal, ProtocolError
   */
  async *openLine(hello: Hello, signal: AbortSignal): AsyncGenerator<CoordinatorMessage, never> {
    for await (const event of this.events('POST', '/v1/line', hello, signal)) {
      const message = parseCoordinatorMessage(event);
      if (message.kind === 'task') this.#remember(message.manifests ?? []);
      yield message;
    }
    throw new TransportError('transport.line-ended', 'The coordinator has ended the line. It is opened again.');
  }

  /** What a request is answered with that has several answers, until the coordinator ends it. JSON, not yet checked. */
  async *events(method: 'GET' | 'POST', path: string, json: unknown, signal: AbortSignal): AsyncGenerator<unknown> {
    using answer = await this.#requests.open({ method, path, json, signal });
    const reader = new EventReader();
    for await (const bytes of answer.body) {
      for (const event of reader.read(bytes)) {
        // As long as the caller is busy with it, silence is our own.
        answer.watch.pause();
        yield parseJson(event);
        answer.watch.resume();
      }
    }
  }

  /** Once: say it again after a TransportError, of which nobody knows whether the message arrived. */
  async send(message: SiteMessage, signal: AbortSignal = never): Promise<Verdict> {
    return parseVerdict(await this.post('/v1/messages', message, signal));
  }

  /** Any other request with JSON both ways: enrolment, renewal. */
  post(path: string, json: unknown, signal: AbortSignal = never): Promise<unknown> {
    return this.#requests.askJson({ method: 'POST', path, json, signal });
  }

  get(path: string, signal: AbortSignal = never): Promise<unknown> {
    return this.#requests.askJson({ method: 'GET', path, signal });
  }

  /** Brings a blob into a store that lacks all or some of it. Gives up only on `signal` or a refusal. */
  fetchBlob(id: BlobId, into: BlobStore, signal: AbortSignal): Promise<void> {
    return fetchBlob(this.#requests, id, into, { ...this.#transfer(signal), told: this.#told.get(id) });
  }

  /** Gives the coordinator what it lacks of a blob. Gives up only on `signal` or a refusal. */
  offerBlob(id: BlobId, from: BlobStore, signal: AbortSignal): Promise<void> {
    return offerBlob(this.#requests, id, from, this.#transfer(signal));
  }

  /** For requests from now on; a line that is open stays so. */
  replaceCredentials(credentials: Credentials): void {
    this.#requests.replaceCredentials(credentials);
  }

  /** Ends what is under way. */
  close(): Promise<void> {
    return this.#requests.close();
  }

  /** The name of each vouches for it. */
  #remember(manifests: readonly Manifest[]): void {
    for (const manifest of manifests) this.#told.set(blobIdOf(manifest), manifest);
    for (const [oldest] of this.#told) {
      if (this.#told.size <= toldMax) break;
      this.#told.delete(oldest);
    }
  }

  #transfer(signal: AbortSignal) {
    return { atOnce: this.#atOnce, buffers: this.#buffers, signal, onRetry: this.#options.onRetry };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TransportError('transport.answer-malformed', 'The coordinator said something that is no JSON.', {
      cause: error,
    });
  }
}
