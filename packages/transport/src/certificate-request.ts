/**
 * How a key gets a certificate: it is made where it will be used and never leaves; a request (PKCS#10) goes to the
 * authority. Who its owner is, the authority says, not the request.
 */
import { createPublicKey, webcrypto } from 'node:crypto';
import { fingerprintOf } from './fingerprint.ts';
import { TransportError } from './transport-error.ts';
import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator } from './x509.ts';

export interface CertificateRequest {
  /** PEM; to be written with mode 0600. */
  readonly key: string;
  /** PEM, for the authority. */
  readonly request: string;
  /** Of the public key: what the two sides compare before a certificate is issued. */
  readonly fingerprint: string;
}

export const signatureAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

const requestCharactersMax = 16_384;

export async function createCertificateRequest(): Promise<CertificateRequest> {
  const keys = await createKeys();
  const generated = await Pkcs10CertificateRequestGenerator.create(
    { name: 'CN=consilium', keys, signingAlgorithm: signatureAlgorithm },
    webcrypto as Crypto,
  );
  const request = generated.toString('pem');
  return { key: await pemOfKey(keys.privateKey), request, fingerprint: requestFingerprint(request) };
}

/** @throws TransportError `transport.certificate-request-malformed` */
export function requestFingerprint(request: string): string {
  return fingerprintOf(new Uint8Array(readRequest(request).publicKey.rawData));
}

/** The public key of a request whose sender has the private key to it. */
export async function verifiedKey(request: string): Promise<CryptoKey> {
  const parsed = readRequest(request);
  const isSigned = await parsed.verify(webcrypto as Crypto).catch(() => false);
  if (!isSigned) throw malformed('its signature is wrong');
  return parsed.publicKey.export(signatureAlgorithm, ['verify'], webcrypto as Crypto);
}

export function createKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(signatureAlgorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;
}

export async function pemOfKey(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key as webcrypto.CryptoKey));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END PRIVATE KEY-----\n`;
}

function readRequest(request: string): Pkcs10CertificateRequest {
  if (request.length > requestCharactersMax) throw malformed('it is too long');
  let parsed: Pkcs10CertificateRequest;
  let curve: string | undefined;
  try {
    parsed = new Pkcs10CertificateRequest(request);
    const key = createPublicKey({ key: Buffer.from(parsed.publicKey.rawData), format: 'der', type: 'spki' });
    curve = key.asymmetricKeyDetails?.namedCurve;
  } catch (error) {
    throw malformed('it cannot be read', { cause: error });
  }
  if (curve !== 'prime256v1') throw malformed('its key is not of the curve P-256');
  return parsed;
}

function malformed(reason: string, options?: ErrorOptions): TransportError {
  const text = `The certificate request is of no use: ${reason}. Make a new one with Consilium.`;
  return new TransportError('transport.certificate-request-malformed', text, options);
}
