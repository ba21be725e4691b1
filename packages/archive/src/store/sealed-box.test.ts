import { describe, expect, it } from 'vitest';
import { SealedBox } from './sealed-box.ts';

const secret = new Uint8Array(32).fill(7);
const box = new SealedBox(secret, 'names');
const wrong = expect.objectContaining({ code: 'archive.key-wrong' });

describe('a sealed box', () => {
  it('is opened by who has the key, for the purpose and at the place it was sealed for', () => {
    const sealed = box.sealText('DOE^JANE', 'study 1');
    expect(new SealedBox(secret, 'names').openText(sealed, 'study 1')).toBe('DOE^JANE');
    expect(Buffer.from(sealed).includes('DOE')).toBe(false);
    expect(() => box.open(sealed, 'study 2')).toThrow(wrong);
    expect(() => new SealedBox(secret, 'dates').open(sealed, 'study 1')).toThrow(wrong);
    expect(() =>
      new SealedBox(
        secret.map((byte) => byte + 1),
        'names',
      ).open(sealed, 'study 1'),
    ).toThrow(wrong);
  });

  it('is not the same twice', () => {
    expect(box.sealText('DOE^JANE', 'study 1')).not.toEqual(box.sealText('DOE^JANE', 'study 1'));
  });

  it('is refused with any bit changed, and cut anywhere', () => {
    const sealed = box.sealText('DOE^JANE', 'study 1');
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed);
      changed[at]! ^= 1 << (at % 8);
      expect(() => box.open(changed, 'study 1')).toThrow(wrong);
      expect(() => box.open(sealed.slice(0, at), 'study 1')).toThrow(wrong);
      expect(() => box.open(sealed.slice(at + 1), 'study 1')).toThrow(wrong);
    }
  });
});
