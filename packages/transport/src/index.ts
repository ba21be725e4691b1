export { persist } from './back-off.ts';
export { type BlobRoutesOptions, blobRoutes } from './blob-routes.ts';
export {
  type AuthorityOptions,
  CertificateAuthority,
  createAuthority,
  type IssueOptions,
} from './certificate-authority.ts';
export { type CertificateRequest, createCertificateRequest, requestFingerprint } from './certificate-request.ts';
export { ChunkDirectory, type ChunkDirectoryOptions } from './chunk-directory.ts';
export { CoordinatorClient, type CoordinatorClientOptions } from './coordinator-client.ts';
export type { Credentials } from './credentials.ts';
export { DirectoryLock } from './directory-lock.ts';
export { type DurableFileOptions, makeDirectory, writeDurably, writeWhole } from './durable-file.ts';
export { type EnrolOptions, encodeInvitation, enrol, type Invitation, parseInvitation } from './enrolment.ts';
export { answerError, type ErrorBody } from './error-answer.ts';
export { EventStream, type EventStreamOptions } from './event-stream.ts';
export { digitsOfFingerprint, fingerprintOf } from './fingerprint.ts';
export { type Identity, identityOf, Role } from './identity.ts';
export { IdentityDirectory, type IdentityFacts } from './identity-directory.ts';
export { MetricsServer, type MetricsServerOptions } from './metrics-server.ts';
export { isSignedByAuthority, signatoryOf, signedBy, signingMemberOf } from './peer-certificate.ts';
export { systemClock } from './ports/system-clock.ts';
export { wallClockMs } from './ports/wall-clock.ts';
export { Refusal } from './refusal.ts';
export { keepRenewed, type RenewalOptions } from './renewal.ts';
export { storageError } from './storage-error.ts';
export { createTlsServer, type TlsServer, type TlsServerOptions } from './tls-server.ts';
export { TransportError } from './transport-error.ts';
export { keepHeapSmall } from './young-garbage.ts';
