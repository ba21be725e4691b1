/**
 * Protocol data units of the DICOM upper layer (PS3.8 section 9.3): what an association is asked for and answered with,
 * to and from bytes. Data PDUs are read piece by piece in `pdu-reader.ts`.
 */
import { protocolViolation } from './protocol-violation.ts';

export const pduTypes = {
  associateRequest: 1,
  associateAccept: 2,
  associateReject: 3,
  data: 4,
  releaseRequest: 5,
  releaseResponse: 6,
  abort: 7,
} as const;

/** PS3.7 A.2.1: the one application context there is. */
export const applicationContextName = '1.2.840.10008.3.1.1.1';
export const implementationClassUid = '2.25.193841706582517293611906328751448910273';
export const implementationVersionName = 'CONSILIUM';

export interface ProposedContext {
  /** Odd, 1 to 255. */
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
}

export interface AnsweredContext {
  readonly id: number;
  readonly result: ContextResult;
  readonly transferSyntax: string;
}

/** PS3.8 table 9-18. */
export const contextResults = {
  accepted: 0,
  userRejected: 1,
  noReason: 2,
  abstractSyntaxUnsupported: 3,
  transferSyntaxesUnsupported: 4,
} as const;
type ContextResult = (typeof contextResults)[keyof typeof contextResults];

/** PS3.7 D.3.3.4: who may be what for one SOP class. */
export interface Role {
  readonly sopClassUid: string;
  readonly scu: boolean;
  readonly scp: boolean;
}

interface AssociationInfo {
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  readonly applicationContext: string;
  /** Longest body of a data PDU that the sender of this takes; 0 without a limit. */
  readonly pduBytesMax: number;
  readonly roles: readonly Role[];
}

export interface AssociateRequest extends AssociationInfo {
  readonly protocolVersion: number;
  readonly contexts: readonly ProposedContext[];
}

export interface AssociateAccept extends AssociationInfo {
  readonly contexts: readonly AnsweredContext[];
}

/** PS3.8 table 9-21. */
export interface Rejection {
  readonly result: 1 | 2;
  readonly source: 1 | 2 | 3;
  readonly reason: number;
}

export const rejections = {
  protocolVersion: { result: 1, source: 2, reason: 2 },
  applicationContext: { result: 1, source: 1, reason: 2 },
  callingAeTitle: { result: 1, source: 1, reason: 3 },
  calledAeTitle: { result: 1, source: 1, reason: 7 },
  localLimit: { result: 2, source: 3, reason: 2 },
} as const satisfies Record<string, Rejection>;

/** PS3.8 table 9-26. */
export const abortReasons = { unspecified: 0, unexpectedPdu: 2, invalidParameter: 6 } as const;

const itemTypes = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  answeredContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  maximumLength: 0x51,
  implementationClass: 0x52,
  role: 0x54,
  implementationVersion: 0x55,
} as const;

export function encodeAssociateRequest(
  request: Omit<AssociateRequest, 'protocolVersion' | 'applicationContext'>,
): Buffer {
  const contexts = request.contexts.map(({ id, abstractSyntax, transferSyntaxes }) =>
    item(itemTypes.proposedContext, [
      Buffer.from([id, 0, 0, 0]),
      item(itemTypes.abstractSyntax, [ascii(abstractSyntax)]),
      ...transferSyntaxes.map((uid) => item(itemTypes.transferSyntax, [ascii(uid)])),
    ]),
  );
  return encodeAssociation(pduTypes.associateRequest, request, contexts);
}

export function encodeAssociateAccept(accept: Omit<AssociateAccept, 'applicationContext'>): Buffer {
  const contexts = accept.contexts.map(({ id, result, transferSyntax }) =>
    item(itemTypes.answeredContext, [
      Buffer.from([id, 0, result, 0]),
      item(itemTypes.transferSyntax, [ascii(transferSyntax)]),
    ]),
  );
  return encodeAssociation(pduTypes.associateAccept, accept, contexts);
}

export function encodeReject({ result, source, reason }: Rejection): Buffer {
  return pdu(pduTypes.associateReject, [Buffer.from([0, result, source, reason])]);
}

export function encodeReleaseRequest(): Buffer {
  return pdu(pduTypes.releaseRequest, [Buffer.alloc(4)]);
}

export function encodeReleaseResponse(): Buffer {
  return pdu(pduTypes.releaseResponse, [Buffer.alloc(4)]);
}

/** As the provider of the service (source 2). */
export function encodeAbort(reason: number): Buffer {
  return pdu(pduTypes.abort, [Buffer.from([0, 0, 2, reason])]);
}

/** The 12 bytes before a fragment that has a data PDU of its own (PS3.8 9.3.5, annex E.2). */
export function dataPduHead(options: { contextId: number; command: boolean; last: boolean; bytes: number }): Buffer {
  const head = Buffer.alloc(12);
  head[0] = pduTypes.data;
  head.writeUInt32BE(options.bytes + 6, 2);
  head.writeUInt32BE(options.bytes + 2, 6);
  head[10] = options.contextId;
  head[11] = (options.command ? 1 : 0) | (options.last ? 2 : 0);
  return head;
}

/** @param body what follows the head of the PDU. @throws ArchiveError `archive.dimse-protocol` */
export function decodeAssociateRequest(body: Buffer): AssociateRequest {
  const { protocolVersion, contexts, ...info } = decodeAssociation(body, itemTypes.proposedContext);
  const proposed = contexts.map((bytes): ProposedContext => {
    const syntaxes = items(bytes.subarray(4));
    const abstractSyntax = syntaxes.find(({ type }) => type === itemTypes.abstractSyntax);
    if (abstractSyntax === undefined) throw protocolViolation('a presentation context without an abstract syntax');
    return {
      id: bytes[0]!,
      abstractSyntax: uid(abstractSyntax.body),
      transferSyntaxes: syntaxes.filter(({ type }) => type === itemTypes.transferSyntax).map(({ body }) => uid(body)),
    };
  });
  const ids = new Set(proposed.map(({ id }) => id));
  if (ids.size !== proposed.length || proposed.some(({ id }) => id % 2 === 0)) {
    throw protocolViolation('ids of presentation contexts that are even or used twice');
  }
  return { ...info, protocolVersion, contexts: proposed };
}

/** @throws ArchiveError `archive.dimse-protocol` */
export function decodeAssociateAccept(body: Buffer): AssociateAccept {
  const { protocolVersion: _, contexts, ...info } = decodeAssociation(body, itemTypes.answeredContext);
  const answered = contexts.map((bytes): AnsweredContext => {
    const syntax = items(bytes.subarray(4)).find(({ type }) => type === itemTypes.transferSyntax);
    const accepted = bytes[2] === contextResults.accepted;
    if (accepted && syntax === undefined) throw protocolViolation('an accepted context without a transfer syntax');
    return {
      id: bytes[0]!,
      result: (bytes[2]! <= 4 ? bytes[2]! : contextResults.noReason) as ContextResult,
      transferSyntax: syntax === undefined ? '' : uid(syntax.body),
    };
  });
  return { ...info, contexts: answered };
}

function encodeAssociation(
  type: number,
  info: Omit<AssociationInfo, 'applicationContext'>,
  contexts: readonly Buffer[],
): Buffer {
  const fixed = Buffer.alloc(68);
  fixed.writeUInt16BE(1, 0);
  fixed.write(info.calledAeTitle.padEnd(16), 4, 16, 'latin1');
  fixed.write(info.callingAeTitle.padEnd(16), 20, 16, 'latin1');
  const maximumLength = Buffer.alloc(4);
  maximumLength.writeUInt32BE(info.pduBytesMax);
  const roles = info.roles.map(({ sopClassUid, scu, scp }) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(sopClassUid.length);
    return item(itemTypes.role, [length, ascii(sopClassUid), Buffer.from([Number(scu), Number(scp)])]);
  });
  return pdu(type, [
    fixed,
    item(itemTypes.applicationContext, [ascii(applicationContextName)]),
    ...contexts,
    item(itemTypes.userInformation, [
      item(itemTypes.maximumLength, [maximumLength]),
      item(itemTypes.implementationClass, [ascii(implementationClassUid)]),
      ...roles,
      item(itemTypes.implementationVersion, [ascii(implementationVersionName)]),
    ]),
  ]);
}

function decodeAssociation(body: Buffer, contextType: number) {
  if (body.length < 68) throw protocolViolation('an association PDU that is too short');
  const all = items(body.subarray(68));
  const contexts = all.filter(({ type }) => type === contextType).map((context) => context.body);
  if (contexts.some(({ length }) => length < 4)) throw protocolViolation('a presentation context that is too short');
  const user = items(all.find(({ type }) => type === itemTypes.userInformation)?.body ?? Buffer.alloc(0));
  const applicationContext = all.find(({ type }) => type === itemTypes.applicationContext);
  const maximumLength = user.find(({ type }) => type === itemTypes.maximumLength)?.body;
  return {
    protocolVersion: body.readUInt16BE(0),
    calledAeTitle: body.toString('latin1', 4, 20).trim(),
    callingAeTitle: body.toString('latin1', 20, 36).trim(),
    applicationContext: applicationContext === undefined ? '' : uid(applicationContext.body),
    contexts,
    pduBytesMax: maximumLength !== undefined && maximumLength.length === 4 ? maximumLength.readUInt32BE(0) : 0,
    roles: user.filter(({ type }) => type === itemTypes.role).map((role) => decodeRole(role.body)),
  };
}

function decodeRole(body: Buffer): Role {
  const length = body.length < 4 ? 0 : body.readUInt16BE(0);
  if (body.length < length + 4) throw protocolViolation('a role selection that is too short');
  return {
    sopClassUid: uid(body.subarray(2, 2 + length)),
    scu: body[2 + length] === 1,
    scp: body[3 + length] === 1,
  };
}

function items(body: Buffer): { type: number; body: Buffer }[] {
  const found: { type: number; body: Buffer }[] = [];
  for (let at = 0; at < body.length; ) {
    if (at + 4 > body.length) throw protocolViolation('an item that is cut short');
    const end = at + 4 + body.readUInt16BE(at + 2);
    if (end > body.length) throw protocolViolation('an item longer than what holds it');
    found.push({ type: body[at]!, body: body.subarray(at + 4, end) });
    at = end;
  }
  return found;
}

function item(type: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(4);
  head[0] = type;
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

function pdu(type: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(6);
  head[0] = type;
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Some senders pad UIDs with a NUL or a space, which PS3.8 annex F does not want. */
function uid(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\0 ]+$/, '');
}
