import { readDataset } from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { elementAt, jsonOf } from './dicom-json.ts';

/** An element in explicit VR; the value as hexadecimal or text. */
function element(tag: number, vr: string, value: Buffer, littleEndian = true): Buffer {
  const isLong = ['OB', 'OW', 'OF', 'OD', 'OV', 'SV', 'UV', 'UN', 'UT', 'UC', 'UR', 'SQ'].includes(vr);
  const head = Buffer.alloc(isLong ? 12 : 8);
  const write16 = (number: number, at: number) =>
    littleEndian ? head.writeUInt16LE(number, at) : head.writeUInt16BE(number, at);
  write16(tag >>> 16, 0);
  write16(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (!isLong) write16(value.length, 6);
  else if (littleEndian) head.writeUInt32LE(value.length, 8);
  else head.writeUInt32BE(value.length, 8);
  return Buffer.concat([head, value]);
}

function json(parts: readonly Buffer[], littleEndian = true) {
  const bytes = new Uint8Array(Buffer.concat(parts));
  return jsonOf(readDataset(bytes, { start: 0, littleEndian, explicit: true }).data, {
    bulkDataUri: (path) => path.join('/'),
  });
}

const text = (value: string) => Buffer.from(value, 'latin1');
const hex = (value: string) => Buffer.from(value, 'hex');

describe('a value in DICOM JSON', () => {
  it.each([
    ['AT', hex('2000370028000a00'), ['00200037', '0028000A']],
    ['CS', text('A\\\\B '), ['A', null, 'B']],
    ['DS', text('1.50\\-2E3\\ '), [1.5, -2000, null]],
    ['IS', text('12\\1A'), [12, '1A']],
    ['FD', hex('000000000000f87f000000000000f07f000000000000f0ff0000000000000440'), ['NaN', 'inf', '-inf', 2.5]],
    ['FL', hex('00004040'), [3]],
    ['SS', hex('ffff0100'), [-1, 1]],
    ['UL', hex('ffffffff'), [4294967295]],
    ['SL', hex('ffffffff'), [-1]],
    ['SV', hex('ffffffffffffffff0100000000000080'), [-1, '-9223372036854775807']],
    ['UV', hex('ffffffffffffffff'), ['18446744073709551615']],
    ['PN', text('A^B==C '), [{ Alphabetic: 'A^B', Phonetic: 'C' }]],
    ['LT', text('a\\b '), ['a\\b']],
    ['TM', text('0304'), ['0304']],
    ['UI', text('1.2\\1.3\0'), ['1.2', '1.3']],
    ['UR', text('http://x '), ['http://x']],
  ])('of %s', (vr, value, expected) => {
    expect(json([element(0x0009_0010, 'LO', text('ME')), element(0x0009_1001, vr, value)])['00091001']).toEqual({
      vr,
      Value: expected,
    });
  });

  it('is text in UTF-8 whatever the character set of the file', () => {
    const data = json([
      element(0x0008_0005, 'CS', text('ISO_IR 144')),
      element(0x0010_0010, 'PN', text('\xbb\xee\xda\xd5\xe1\xd4')),
    ]);
    expect(data['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] });
    expect(data['00100010']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Люкесд' }] });
  });

  it('is base64 or an address where it is binary, in little endian', () => {
    expect(json([element(0x0028_1201, 'OW', hex('01020304'))])['00281201']).toEqual({
      vr: 'OW',
      InlineBinary: 'AQIDBA==',
    });
    expect(json([element(0x0028_1201, 'OW', hex('02010403'), false)], false)['00281201']).toEqual({
      vr: 'OW',
      InlineBinary: 'AQIDBA==',
    });
    expect(json([element(0x0042_0011, 'OB', Buffer.alloc(2000))])['00420011']).toEqual({
      vr: 'OB',
      BulkDataURI: '00420011',
    });
    expect(json([element(0x7fe0_0010, 'OW', hex('0102'))])['7FE00010']).toEqual({ vr: 'OW', BulkDataURI: '7FE00010' });
  });

  it('may be absent, or items with addresses of their own', () => {
    expect(json([element(0x0010_0010, 'PN', text(''))])['00100010']).toEqual({ vr: 'PN' });
    expect(json([element(0x0008_1115, 'SQ', text(''))])['00081115']).toEqual({ vr: 'SQ' });
    const inside = element(0x0042_0011, 'OB', Buffer.alloc(2000, 7));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(inside.length);
    const sequence = element(0x0008_1115, 'SQ', Buffer.concat([hex('feff00e0'), length, inside]));
    expect(json([sequence])['00081115']!.Value).toEqual([
      { '00420011': { vr: 'OB', BulkDataURI: '00081115/0/00420011' } },
    ]);
    const { data } = readDataset(new Uint8Array(sequence), { start: 0, littleEndian: true, explicit: true });
    expect(elementAt(data, ['00081115', '0', '00420011'])!.element.vr).toBe('OB');
    expect(elementAt(data, ['00081115', '1', '00420011'])).toBe(undefined);
  });
});
