/** What an association request is answered: whether its sender is let in, and which of its contexts are agreed to. */
import type { AgreedContext } from './association.ts';
import {
  type AnsweredContext,
  type AssociateRequest,
  applicationContextName,
  contextResults,
  type ProposedContext,
  type Rejection,
  rejections,
} from './pdu.ts';
import type { Peer, PeerList } from './peer.ts';
import {
  implicitLittleEndian,
  isStorageClass,
  type StoragePolicy,
  transferSyntaxes,
  verificationClass,
} from './sop-classes.ts';

export type AssociationAnswer =
  | {
      readonly kind: 'accept';
      readonly peer: Peer;
      readonly answered: readonly AnsweredContext[];
      readonly agreed: readonly AgreedContext[];
    }
  | { readonly kind: 'reject'; readonly rejection: Rejection };

export function answerTo(
  request: AssociateRequest,
  options: { aeTitle: string; address: string; peers: PeerList; storage: StoragePolicy },
): AssociationAnswer {
  if ((request.protocolVersion & 1) === 0) return { kind: 'reject', rejection: rejections.protocolVersion };
  if (request.applicationContext !== applicationContextName) {
    return { kind: 'reject', rejection: rejections.applicationContext };
  }
  const peer = options.peers.find(request.callingAeTitle, options.address);
  // The same answer for a name we do not know and for one that comes from elsewhere: it tells nobody which names exist.
  if (peer === undefined) return { kind: 'reject', rejection: rejections.callingAeTitle };
  if (request.calledAeTitle !== options.aeTitle) return { kind: 'reject', rejection: rejections.calledAeTitle };
  const answered = request.contexts.map((context) => answerContext(context, options.storage));
  const agreed = answered.flatMap(({ id, result, transferSyntax }, index) =>
    result === contextResults.accepted
      ? [{ id, abstractSyntax: request.contexts[index]!.abstractSyntax, transferSyntax }]
      : [],
  );
  return { kind: 'accept', peer, answered, agreed };
}

/** The sender's order is its preference: what comes first is what it has, and need not be converted. */
function answerContext(
  { id, abstractSyntax, transferSyntaxes: offered }: ProposedContext,
  storage: StoragePolicy,
): AnsweredContext {
  const refused = (result: AnsweredContext['result']) => ({ id, result, transferSyntax: implicitLittleEndian });
  if (abstractSyntax !== verificationClass && !isStorageClass(abstractSyntax, storage)) {
    return refused(contextResults.abstractSyntaxUnsupported);
  }
  const transferSyntax = offered.find((uid) => transferSyntaxes.includes(uid));
  if (transferSyntax === undefined) return refused(contextResults.transferSyntaxesUnsupported);
  return { id, result: contextResults.accepted, transferSyntax };
}
