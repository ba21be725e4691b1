import { hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PeerKey } from './peer-key.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (of: Uint8Array | ArrayBuffer) => Buffer.from(of as Uint8Array).toString('hex');

describe('a key of a site for a job', () => {
  it('agrees as in RFC 7748, section 6.1', () => {
    const alice = new PeerKey(bytes(rfc7748.alice));
    const bob = new PeerKey(bytes(rfc7748.bob));
    expect(hex(alice.publicKey)).toBe(rfc7748.alicePublic);
    expect(hex(bob.publicKey)).toBe(rfc7748.bobPublic);
    expect(hex(alice.agree(bob.publicKey))).toBe(rfc7748.shared);
    expect(hex(bob.agree(alice.publicKey))).toBe(rfc7748.shared);
  });

  it('agrees on nothing with points of small order, with which everybody would have the same', () => {
    const key = new PeerKey(bytes(rfc7748.alice));
    const smallOrder = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ec${'ff'.repeat(30)}7f`,
    ];
    for (const point of smallOrder) {
      expect(() => key.agree(bytes(point)), point).toThrow(
        expect.objectContaining({ code: 'federation.peer-key-unusable' }),
      );
    }
  });

  it('is expanded by a function that gives what RFC 5869, appendix A.1, says', () => {
    const okm = hkdfSync(
      'sha256',
      bytes('0b'.repeat(22)),
      bytes('000102030405060708090a0b0c'),
      bytes('f0f1f2f3f4f5f6f7f8f9'),
      42,
    );
    expect(hex(new Uint8Array(okm))).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });
});

const rfc7748 = {
  alice: '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
  alicePublic: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
  bob: '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
  bobPublic: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  shared: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
};
