import { expect, test } from 'vitest';
import { fromBase64, recorded } from '../recorded-array.ts';
import { characterSetsOf, decodeText } from './character-set.ts';

const { texts } = recorded<{ texts: { sets: string; bytes: string; text: string }[] }>('dicom.json');

test.each(texts)('$text in $sets is what pydicom reads', ({ sets, bytes, text }) => {
  const terms = characterSetsOf(new TextEncoder().encode(sets));
  // A component group without text at the end is left out by pydicom.
  expect(decodeText(fromBase64.uint8(bytes), terms).replace(/[= ]+$/, '')).toBe(text.normalize('NFC'));
});

test('text without a character set is Latin-1, and an unknown escape sequence does no harm', () => {
  expect(decodeText(new Uint8Array([0x4d, 0xfc]), [])).toBe('Mü');
  expect(decodeText(new Uint8Array([0x41, 0x1b, 0x21, 0x42]), ['ISO 2022 IR 6'])).toBe('A!B');
});
