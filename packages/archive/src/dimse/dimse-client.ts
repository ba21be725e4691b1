/** Asks a PACS, and has it send: Verification, Query/Retrieve and Storage as a user (PS3.4 annexes A, B and C). */
import { type Dataset, type DicomRecord, datasetOf, encodeDataset, parsePart10, readDataset } from '@consilium/imaging';
import type { Door } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';
import type { AgreedContext, Association, Message } from './association.ts';
import { contextFor, type DimseRemote, openAssociation } from './association-request.ts';
import { type CommandSet, commandFields } from './command-set.ts';
import { protocolViolation } from './protocol-violation.ts';
import {
  explicitLittleEndian,
  frequentStorageClasses,
  implicitLittleEndian,
  queryClasses,
  transferSyntaxes,
  verificationClass,
} from './sop-classes.ts';
import { answerStore, storeStatuses } from './store-answer.ts';

export type QueryRetrieveLevel = 'PATIENT' | 'STUDY' | 'SERIES' | 'IMAGE';

/** What is asked for: a level of a root, and keys; an empty one is asked to be answered. */
export interface Identifier {
  /** Default `study`. PS3.4 C.6. */
  readonly root?: 'patient' | 'study';
  readonly level: QueryRetrieveLevel;
  readonly keys: DicomRecord;
}

/** Counts of instances (PS3.7 9.3.4), as the other side tells them. */
export interface RetrieveProgress {
  readonly remaining: number;
  readonly completed: number;
  readonly failed: number;
  readonly warnings: number;
}

export interface RetrieveOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RetrieveProgress) => void;
}

const plainSyntaxes = [explicitLittleEndian, implicitLittleEndian];
/** Ids of presentation contexts are odd and below 256. */
const contextsMax = 128;

export class DimseClient {
  readonly #remote: DimseRemote;

  constructor(remote: DimseRemote) {
    this.#remote = remote;
  }

  /** Whether it is there and lets us in. @throws ArchiveError `archive.dimse-*` */
  async echo(): Promise<void> {
    await this.#within(
      [{ abstractSyntax: verificationClass, transferSyntaxes: plainSyntaxes }],
      async (association) => {
        const context = contextFor(association, verificationClass);
        const command = { commandField: commandFields.echoRequest, affectedSopClassUid: verificationClass };
        for await (const response of exchange(association, { context, command })) checkStatus(response);
      },
    );
  }

  /** Matches as they come. A signal cancels (PS3.7 9.3.2.3): what came until then is all there is. @throws ArchiveError `archive.dimse-*` */
  async *find({ root = 'study', level, keys }: Identifier, signal?: AbortSignal): AsyncGenerator<Dataset> {
    const abstractSyntax = queryClasses[root].find;
    const association = await openAssociation(this.#remote, {
      contexts: [{ abstractSyntax, transferSyntaxes: plainSyntaxes }],
    });
    let ended = false;
    try {
      const context = contextFor(association, abstractSyntax);
      const data = identifierBytes(context, level, keys);
      const command = { commandField: commandFields.findRequest, affectedSopClassUid: abstractSyntax, priority: 0 };
      for await (const response of exchange(association, { context, command, data, signal })) {
        checkStatus(response);
        if (response.data !== undefined) yield identifierOf(response);
      }
      await association.release();
      ended = true;
    } finally {
      // Also where the caller stops listening.
      if (!ended) association.abort();
    }
  }

  /** Has the instances sent to `destination`, an AE title that the other side knows. @throws ArchiveError `archive.dimse-*` */
  async move(
    identifier: Identifier & { destination: string },
    options: RetrieveOptions = {},
  ): Promise<RetrieveProgress> {
    const { destination, keys, level, root = 'study' } = identifier;
    const abstractSyntax = queryClasses[root].move;
    return this.#within([{ abstractSyntax, transferSyntaxes: plainSyntaxes }], async (association) => {
      const context = contextFor(association, abstractSyntax);
      const command = {
        ...{ commandField: commandFields.moveRequest, affectedSopClassUid: abstractSyntax, priority: 0 },
        moveDestination: destination,
      };
      return retrieve(association, { context, command, data: identifierBytes(context, level, keys) }, options);
    });
  }

  /**
   * Has the instances sent on the same association, to a door.
   * @param identifier.sopClasses of what is asked for, where they are known.
   * @throws ArchiveError `archive.dimse-*`
   */
  async get(
    identifier: Identifier & { door: Door; sopClasses?: readonly string[] },
    options: RetrieveOptions = {},
  ): Promise<RetrieveProgress> {
    const { door, keys, level, root = 'study' } = identifier;
    const sopClasses = identifier.sopClasses?.length ? [...new Set(identifier.sopClasses)] : frequentStorageClasses;
    const abstractSyntax = queryClasses[root].get;
    const contexts = [{ abstractSyntax, transferSyntaxes: plainSyntaxes }, ...storageContexts(sopClasses)];
    const roles = sopClasses.map((sopClassUid) => ({ sopClassUid, scu: false, scp: true }));
    const work = async (association: Association) => {
      const context = contextFor(association, abstractSyntax);
      const command = { commandField: commandFields.getRequest, affectedSopClassUid: abstractSyntax, priority: 0 };
      const onStore = (message: Message) => answerSubOperation(association, message, door, this.#remote.aeTitle);
      return retrieve(association, { context, command, data: identifierBytes(context, level, keys), onStore }, options);
    };
    return this.#within(contexts, work, roles);
  }

  /**
   * Sends DICOM files (PS3.10).
   * @returns of each the status (PS3.4 B.2.3): 0 and Bxxx mean stored.
   * @throws ArchiveError `archive.dimse-*`
   */
  async store(files: readonly Uint8Array[]): Promise<readonly number[]> {
    const instances = files.map((file) => {
      const { data, meta, transferSyntaxUid } = parsePart10(file);
      const offset = meta === undefined ? 0 : (meta.elements.at(-1)?.end ?? 0);
      return {
        abstractSyntax: meta?.text('MediaStorageSOPClassUID') ?? data.requiredText('SOPClassUID'),
        sopInstanceUid: meta?.text('MediaStorageSOPInstanceUID') ?? data.requiredText('SOPInstanceUID'),
        transferSyntaxUid,
        bytes: file.subarray(offset),
      };
    });
    const kinds = new Map(instances.map((one) => [`${one.abstractSyntax} ${one.transferSyntaxUid}`, one]));
    const contexts = [...kinds.values()].map(({ abstractSyntax, transferSyntaxUid }) => ({
      abstractSyntax,
      transferSyntaxes: [transferSyntaxUid],
    }));
    return this.#within(contexts.slice(0, contextsMax), async (association) => {
      const statuses: number[] = [];
      for (const { abstractSyntax, sopInstanceUid, transferSyntaxUid, bytes } of instances) {
        const context = association.contexts.find(
          (agreed) => agreed.abstractSyntax === abstractSyntax && agreed.transferSyntax === transferSyntaxUid,
        );
        if (context === undefined) {
          statuses.push(sopClassNotSupported);
          continue;
        }
        const command = {
          ...{ commandField: commandFields.storeRequest, affectedSopClassUid: abstractSyntax, priority: 0 },
          affectedSopInstanceUid: sopInstanceUid,
        };
        for await (const { command: response } of exchange(association, { context, command, data: bytes })) {
          statuses.push(response.status ?? storeStatuses.processingFailure);
        }
      }
      return statuses;
    });
  }

  async #within<Result>(
    contexts: Parameters<typeof openAssociation>[1]['contexts'],
    work: (association: Association) => Promise<Result>,
    roles: Parameters<typeof openAssociation>[1]['roles'] = [],
  ): Promise<Result> {
    const association = await openAssociation(this.#remote, { contexts, roles });
    try {
      const result = await work(association);
      await association.release();
      return result;
    } catch (error) {
      association.abort();
      throw error;
    }
  }
}

interface Request {
  readonly context: AgreedContext;
  readonly command: CommandSet;
  readonly data?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** What the other side sends on this association while it answers. */
  readonly onStore?: (message: Message) => Promise<void>;
}

const messageId = 1;
/** PS3.7 C.5.6. */
const sopClassNotSupported = 0x0122;
const cancelled = 0xfe00;

/** Sends a request; gives its responses, those that say "pending" and the one that does not. */
async function* exchange(association: Association, request: Request): AsyncGenerator<Message> {
  const { command, context, data, onStore, signal } = request;
  const cancel = () => {
    const cancelCommand = { commandField: commandFields.cancelRequest, respondedToMessageId: messageId };
    // If it cannot be sent, the association is broken, which the next read tells.
    association.send(context, cancelCommand).catch(() => {});
  };
  await association.send(context, { ...command, messageId }, data);
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  try {
    for (;;) {
      const message = await association.receive();
      if (message === undefined) throw protocolViolation('a release before the last response');
      try {
        if (message.command.commandField === commandFields.storeRequest && onStore !== undefined) {
          await onStore(message);
          continue;
        }
        if (message.command.commandField !== (command.commandField | 0x8000))
          throw protocolViolation('another response');
        yield message;
        if (!isPending(message.command.status)) return;
      } finally {
        association.letGo();
      }
    }
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

async function retrieve(
  association: Association,
  request: Omit<Request, 'signal'>,
  { onProgress, signal }: RetrieveOptions,
): Promise<RetrieveProgress> {
  let progress: RetrieveProgress = { remaining: 0, completed: 0, failed: 0, warnings: 0 };
  for await (const response of exchange(association, { ...request, signal })) {
    const { completed, failed, remaining = 0, status = 0, warnings } = response.command;
    if (completed !== undefined || failed !== undefined || warnings !== undefined) {
      progress = { remaining, completed: completed ?? 0, failed: failed ?? 0, warnings: warnings ?? 0 };
    }
    onProgress?.(progress);
    // B000: some failed, which the counts tell. A702: all did, which they tell too (PS3.4 C.4.2.1.5).
    if (status !== 0xb000 && status !== 0xa702) checkStatus(response);
  }
  return progress;
}

async function answerSubOperation(
  association: Association,
  message: Message,
  door: Door,
  callingAeTitle: string,
): Promise<void> {
  const { affectedSopClassUid, affectedSopInstanceUid, messageId: respondedToMessageId } = message.command;
  const answer = await answerStore(message, { door, callingAeTitle });
  const commandField = commandFields.storeResponse;
  const ids = { affectedSopClassUid, affectedSopInstanceUid, respondedToMessageId };
  await association.send(message.context, { commandField, ...ids, ...answer });
}

/** A context for each transfer syntax, as far as there is room, so that nothing is converted on its way. */
function storageContexts(sopClasses: readonly string[]) {
  const room = Math.floor((contextsMax - 1) / sopClasses.length);
  return sopClasses.slice(0, contextsMax - 1).flatMap((abstractSyntax) => {
    if (room <= 2) return [{ abstractSyntax, transferSyntaxes }];
    const single = transferSyntaxes.filter((uid) => uid !== implicitLittleEndian && uid !== explicitLittleEndian);
    return [plainSyntaxes, ...single.slice(0, room - 1).map((uid) => [uid])].map((offered) => ({
      abstractSyntax,
      transferSyntaxes: offered,
    }));
  });
}

function identifierBytes(context: AgreedContext, level: QueryRetrieveLevel, keys: DicomRecord): Uint8Array {
  const data = datasetOf({ SpecificCharacterSet: 'ISO_IR 192', QueryRetrieveLevel: level, ...keys });
  return encodeDataset(data, { littleEndian: true, explicit: context.transferSyntax === explicitLittleEndian });
}

/** @throws ImagingError `imaging.dicom-damaged` */
function identifierOf({ context, data }: Message): Dataset {
  const bytes = new Uint8Array(Buffer.concat(data!.takeParts()));
  const explicit = context.transferSyntax === explicitLittleEndian;
  return readDataset(bytes, { start: 0, littleEndian: true, explicit }).data;
}

function isPending(status: number | undefined): boolean {
  return status === 0xff00 || status === 0xff01;
}

/** @throws ArchiveError `archive.dimse-failed` */
function checkStatus({ command: { status = 0, errorComment } }: Message): void {
  if (status === 0 || status === cancelled || isPending(status) || (status & 0xf000) === 0xb000) return;
  const code = status.toString(16).toUpperCase().padStart(4, '0');
  const message = `The other side could not do it: status ${code}.`;
  throw new ArchiveError('archive.dimse-failed', message, errorComment === undefined ? {} : { detail: errorComment });
}
