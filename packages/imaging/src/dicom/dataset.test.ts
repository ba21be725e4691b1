import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { deflateSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { ImagingError } from '../imaging-error.ts';
import { recorded } from '../recorded-array.ts';
import { fragmentsOfFrames } from './data-frames.ts';
import { type Encoding, readDataset } from './data-reader.ts';
import { encodeDataset } from './data-writer.ts';
import { type DataElement, Dataset, valueBytes } from './dataset.ts';
import { dictionary, impliedVr, keywordOf, transferSyntaxes } from './dictionary.ts';
import { encodePart10 } from './encode.ts';
import { formatPart10, parsePart10 } from './part10.ts';

const explicitLittle: Encoding = { littleEndian: true, explicit: true };
const encodings: Readonly<Record<string, Encoding>> = {
  'explicit little endian': explicitLittle,
  'explicit big endian': { littleEndian: false, explicit: true },
  'implicit little endian': { littleEndian: true, explicit: false },
};
const none = { items: undefined, fragments: undefined, undefinedLength: false };

describe('real files', () => {
  const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
  const skipped = existsSync(`${root}/dicom`) ? false : 'no real data: set CONSILIUM_TEST_DATA to try real files';
  if (skipped) console.log(skipped);
  const records = recorded<Record<string, [count: number, digest: string]>>('datasets.json');
  // Cut short in their pixels or their last sequence; pydicom goes on with what there is.
  const damaged = /2k_lossless_too_short|MR_truncated|DICOMDIR-nooffset|rtplan_truncated/;
  // No or a wrong length of meta information, a VR that is none, an odd length, implicit where explicit is stated, or deflated.
  const tidied = /no-meta-length|no_meta_group_length|meta_missing|nested_priv_SQ|SC_rgb_jpeg\.dcm|[Dd]eflate/;

  test.skipIf(skipped)('hold the elements that pydicom finds, and come back byte for byte', () => {
    const wrong: string[] = [];
    for (const [name, [count, digest]] of Object.entries(records)) {
      const bytes = readFileSync(`${root}/${name}`);
      if (damaged.test(name)) {
        expectDamaged(() => parsePart10(bytes));
        continue;
      }
      const file = parsePart10(bytes);
      const hash = createHash('sha256');
      const found = [digestInto(hash, file.data), hash.digest('hex').slice(0, 16)];
      if (found[0] !== count || found[1] !== digest) wrong.push(`${name}: other elements`);
      const back = formatPart10(file);
      if (treeOf(parsePart10(back).data) !== treeOf(file.data)) wrong.push(`${name}: written as another tree`);
      if (!tidied.test(name) && Buffer.compare(bytes, back) !== 0) wrong.push(`${name}: written as other bytes`);
    }
    expect(wrong).toEqual([]);
  });

  test.skipIf(skipped)('without preamble or meta information are read by their first element', () => {
    const { data, transferSyntaxUid } = parsePart10(readFileSync(`${root}/dicom/pydicom/test_files/rtstruct.dcm`));
    expect([data.text('Modality'), transferSyntaxUid]).toEqual(['RTSTRUCT', transferSyntaxes.implicitLittleEndian]);
    const big = parsePart10(readFileSync(`${root}/dicom/pydicom/test_files/ExplVR_BigEndNoMeta.dcm`));
    expect(big.transferSyntaxUid).toBe(transferSyntaxes.explicitBigEndian);
    const later = parsePart10(readFileSync(`${root}/dicom/pydicom/test_files/ExplVR_LitEndNoMeta.dcm`));
    expect(later.data.text('SOPClassUID')).toBe(big.data.text('SOPClassUID'));
  });

  test.skipIf(skipped)('cut anywhere in the header are refused, or are what is left', () => {
    const small = ['UN_sequence.dcm', 'priv_SQ.dcm', 'nested_priv_SQ.dcm', 'rtplan.dcm', 'reportsi.dcm'];
    for (const name of small) {
      const bytes = readFileSync(`${root}/dicom/pydicom/test_files/${name}`);
      const whole = parsePart10(bytes).data.elements.length;
      for (let length = 0; length < bytes.length; length++) {
        const cut = orImagingError(() => parsePart10(bytes.subarray(0, length)));
        expect(cut?.data.elements.length ?? 0).toBeLessThanOrEqual(whole);
      }
    }
  });
});

describe.each(Object.entries(encodings))('any data set in %s', (_, encoding) => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(datasets(encoding), (data) => {
        const bytes = encodeDataset(data);
        const back = readDataset(bytes, { start: 0, ...encoding }).data;
        expect(treeOf(back)).toBe(treeOf(data));
        expect(encodeDataset(back)).toEqual(bytes);
      }),
      { numRuns: 100 },
    );
  });

  test.each(Object.entries(encodings))('goes to %s and back', (_name, other) => {
    fc.assert(
      fc.property(datasets(encoding), (data) => {
        const there = readDataset(encodeDataset(data, other), { start: 0, ...other }).data;
        expect(treeOf(readDataset(encodeDataset(there, encoding), { start: 0, ...encoding }).data)).toBe(treeOf(data));
      }),
      { numRuns: 50 },
    );
  });

  test('with any bytes damaged is a data set or an ImagingError', () => {
    fc.assert(
      fc.property(datasets(encoding), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }), (data, damages) => {
        const bytes = encodeDataset(data).slice();
        for (const [at, value] of damages) bytes[at % Math.max(1, bytes.length)] = value;
        orImagingError(() => encodeDataset(readDataset(bytes, { start: 0, ...encoding }).data));
      }),
      { numRuns: 200 },
    );
  });
});

describe('what cannot be', () => {
  const head = (group: number, vr: string, length: number): number[] => {
    const tag = [group & 255, group >>> 8, 0x10, 0];
    const long = vr === 'OB' || vr === 'SQ' || vr === 'UN' || vr === 'UT';
    const size = [0, 8, 16, 24].map((shift) => (length >>> shift) & 255);
    return [...tag, ...Buffer.from(vr), ...(long ? [0, 0, ...size] : size.slice(0, 2))];
  };
  const read = (...parts: number[][]): Dataset =>
    readDataset(new Uint8Array(parts.flat()), { start: 0, ...explicitLittle }).data;

  test.each([
    ['a length beyond the end', [head(0x0011, 'OB', 0x7fff_fffe)]],
    ['a length of 4 GiB but one', [head(0x0011, 'UT', 0xffff_fffe), [65, 65]]],
    ['text of undefined length', [head(0x0011, 'UT', 0xffff_ffff), [65, 65]]],
    ['a sequence that never ends', [head(0x0011, 'SQ', 0xffff_ffff)]],
    ['an item longer than its sequence', [head(0x0011, 'SQ', 8), [0xfe, 0xff, 0, 0xe0, 255, 255, 0, 0]]],
    ['an element where an item belongs', [head(0x0011, 'SQ', 8), head(0x0011, 'US', 0)]],
    ['an item outside of a sequence', [[0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0]]],
    ['half an element at the end', [head(0x0011, 'US', 0), [0x11, 0, 0x11]]],
  ])('%s is refused', (_, parts) => {
    expectDamaged(() => read(...parts));
  });

  test('sequences in sequences without end are refused', () => {
    const open = [...head(0x0011, 'SQ', 0xffff_ffff), 0xfe, 0xff, 0, 0xe0, 255, 255, 255, 255];
    expectDamaged(() => read(...Array.from({ length: 10_000 }, () => open)));
  });

  test('a deflated file that unpacks to more than is allowed is refused before it is unpacked', () => {
    const bomb = deflateSync(encodeDataset(new Dataset([bytesElement(0x0011_1010, 'OB', new Uint8Array(2 ** 22))])));
    const { meta, preamble } = parsePart10(encodePart10({ SOPClassUID: '1.2.3' }));
    const uid = new TextEncoder().encode(transferSyntaxes.deflated);
    const elements = meta!.elements.map((element) => {
      return keywordOf(element.tag) === 'TransferSyntaxUID' ? bytesElement(element.tag, 'UI', uid) : element;
    });
    const file = { data: new Dataset([]), meta: new Dataset(elements), preamble, transferSyntaxUid: uid.toString() };
    const start = formatPart10(file);
    const bytes = new Uint8Array([...start, ...bomb]);
    expect(bomb.length).toBeLessThan(100_000);
    expectDamaged(() => parsePart10(bytes, { inflatedBytesMax: 2 ** 18 }));
    expect(parsePart10(bytes).data.elements.length).toBe(1);
  });
});

describe('the odd', () => {
  test('is padded: text with a space, UIDs and bytes with NUL', () => {
    const odd = (['LO', 'UI', 'OB', 'UN'] as const).map((vr, index) => {
      return bytesElement(0x0011_1010 + index, vr, new Uint8Array([65]));
    });
    const back = readDataset(encodeDataset(new Dataset(odd)), { start: 0, ...explicitLittle }).data;
    expect(back.elements.map((element) => [...valueBytes(element)])).toEqual([
      [65, 32],
      [65, 0],
      [65, 0],
      [65, 0],
    ]);
  });

  test('zeros behind the last element are left out, anything else is refused', () => {
    const bytes = [...encodeDataset(new Dataset([bytesElement(0x0011_1010, 'LO', new Uint8Array(2))]))];
    const read = (more: number[]) => readDataset(new Uint8Array([...bytes, ...more]), { start: 0, ...explicitLittle });
    expect(read(Array.from({ length: 100 }, () => 0)).data.elements.length).toBe(1);
    expectDamaged(() => read([0, 0, 0, 0, 0, 0, 0, 0, 1, 0]));
  });

  test('a value too long for the short form of its VR is written as UN and read by the dictionary', () => {
    const tag = dictionary.WindowCenter[0];
    const value = new TextEncoder().encode(`${'12345\\'.repeat(20_000)}7 `);
    const back = readDataset(encodeDataset(new Dataset([bytesElement(tag, 'DS', value)])), {
      start: 0,
      ...explicitLittle,
    });
    expect(back.data.elementOf(tag)?.vr).toBe('UN');
    expect(back.data.numbers('WindowCenter')?.length).toBe(20_001);
  });
});

describe('a made-up file', () => {
  const inner = new Dataset([bytesElement(dictionary.CodeValue[0], 'SH', new TextEncoder().encode('A1'))], {
    explicit: false,
    undefinedLength: true,
  });
  const sequence = (tag: number, vr: string): DataElement => ({
    ...bytesElement(tag, vr, new Uint8Array(0)),
    items: [inner],
    undefinedLength: true,
  });
  const bare = (encoding: Encoding): Uint8Array =>
    encodeDataset(
      new Dataset([
        bytesElement(dictionary.SOPClassUID[0], 'UI', new TextEncoder().encode('1.2.3.4')),
        bytesElement(dictionary.Modality[0], 'CS', new TextEncoder().encode('CT')),
      ]),
      encoding,
    );

  test.each([
    ['private', 0x0009_1010],
    ['standard', dictionary.AnatomicRegionSequence[0]],
  ])('holds a %s UN of undefined length as a sequence in implicit VR', (_, tag) => {
    const bytes = encodeDataset(new Dataset([sequence(tag, 'UN')]));
    const { data } = readDataset(bytes, { start: 0, ...explicitLittle });
    expect(data.elementOf(tag)?.items?.[0]?.text('CodeValue')).toBe('A1');
    expect(encodeDataset(data)).toEqual(bytes);
  });

  test('holds a standard sequence of stated length under UN, and what is none as bytes', () => {
    const tag = dictionary.AnatomicRegionSequence[0];
    const content = encodeDataset(new Dataset([sequence(tag, 'SQ')]), { littleEndian: true, explicit: false }).subarray(
      8,
    );
    const read = (value: Uint8Array) =>
      readDataset(encodeDataset(new Dataset([bytesElement(tag, 'UN', value)])), { start: 0, ...explicitLittle });
    expect(
      read(content.subarray(0, content.length - 8))
        .data.items('AnatomicRegionSequence')[0]
        ?.text('CodeValue'),
    ).toBe('A1');
    const none = read(new TextEncoder().encode('nothing like it ')).data.elementOf(tag);
    expect([none?.items, none && valueBytes(none).length]).toEqual([undefined, 16]);
  });

  test.each(Object.entries(encodings))('of bare %s is read by its first element', (_, encoding) => {
    const { data, meta, transferSyntaxUid } = parsePart10(bare(encoding));
    expect([data.text('Modality'), meta]).toEqual(['CT', undefined]);
    expect(formatPart10({ data, meta, transferSyntaxUid, preamble: undefined })).toEqual(bare(encoding));
  });

  test.each(Object.entries(encodings).filter(([, { littleEndian }]) => littleEndian))(
    'that is in %s whatever its meta information says is read as it is',
    (_, encoding) => {
      for (const stated of ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1']) {
        const head = formatPart10({
          ...{ data: new Dataset([]), preamble: new Uint8Array(128), transferSyntaxUid: stated },
          meta: new Dataset([bytesElement(dictionary.TransferSyntaxUID[0], 'UI', new TextEncoder().encode(stated))]),
        });
        const file = parsePart10(new Uint8Array([...head, ...bare(encoding)]));
        expect(file.data.text('SOPClassUID')).toBe('1.2.3.4');
        expect(file.transferSyntaxUid).toBe(encoding.explicit ? '1.2.840.10008.1.2.1' : '1.2.840.10008.1.2');
      }
    },
  );
});

describe('the frames of compressed pixels', () => {
  const fragment = (first: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length).fill(first);
    bytes.set([0xff, first]);
    return bytes;
  };
  const fragments = [fragment(0xd8, 10), fragment(0, 4), fragment(0xd8, 6), fragment(1, 2), fragment(2, 2)];
  const sizes = (frames: readonly (readonly Uint8Array[])[]) =>
    frames.map((frame) => frame.map(({ length }) => length));
  const table = new Uint8Array(new Uint32Array([0, 10 + 4 + 16]).buffer);
  const extended = new Uint8Array(new BigUint64Array([0n, 30n]).buffer);
  const empty = new Uint8Array(0);
  const expected = [
    [10, 4],
    [6, 2, 2],
  ];

  test.each([
    ['the basic offset table', { basicOffsetTable: table, fragments }],
    ['the extended offset table', { basicOffsetTable: empty, extendedOffsetTable: extended, fragments }],
    ['the markers of JPEG', { basicOffsetTable: empty, fragments }],
    ['the markers where the table is wrong', { basicOffsetTable: new Uint8Array([0, 0, 0, 0, 9, 0, 0, 0]), fragments }],
  ])('are told by %s', (_, pixels) => {
    expect(sizes(fragmentsOfFrames(pixels, 2))).toEqual(expected);
  });

  test('are all fragments of a single frame, one each if there are as many, and no more than there are', () => {
    const pixels = { basicOffsetTable: empty, fragments };
    expect(sizes(fragmentsOfFrames(pixels, 1))).toEqual([[10, 4, 6, 2, 2]]);
    expect(sizes(fragmentsOfFrames(pixels, 5))).toEqual([[10], [4], [6], [2], [2]]);
    for (const count of [0, 3, 6]) expect(() => fragmentsOfFrames(pixels, count)).toThrow(ImagingError);
  });
});

/** Data sets of every VR, nested, private and not, in ascending order of tags, as the encoding can say them. */
function datasets(encoding: Encoding): fc.Arbitrary<Dataset> {
  const tags = Object.values(dictionary)
    .map(([tag]) => tag)
    .filter((tag) => tag > 0x0008_0005 && tag !== 0x0028_0103);
  const tag = fc.oneof(
    fc.constantFrom(...tags),
    fc.constantFrom(...tags.filter((tag) => impliedVr(tag) === 'SQ')),
    fc
      .tuple(fc.nat(0x7f), fc.integer({ min: 1, max: 0xffff }))
      .map(([group, element]) => (group * 2 + 9) * 65_536 + element),
  );
  const bytes = fc.uint8Array({ maxLength: 24 }).map((value) => value.subarray(0, value.length & ~7));
  const element = (depth: number): fc.Arbitrary<DataElement> => {
    const items = depth === 0 ? fc.constant([]) : fc.array(data(depth - 1), { maxLength: 2 });
    return fc.tuple(tag, bytes, items, fc.boolean()).map(([tag, source, items, undefinedLength]) => {
      const vr = impliedVr(tag);
      if (vr !== 'SQ') return bytesElement(tag, vr, source);
      return { tag, vr, source, start: 0, end: 0, items, fragments: undefined, undefinedLength };
    });
  };
  const data = (depth: number): fc.Arbitrary<Dataset> => {
    return fc.tuple(fc.array(element(depth), { maxLength: 5 }), fc.boolean()).map(([elements, undefinedLength]) => {
      const unique = new Map(elements.map((element) => [element.tag, element]));
      const sorted = [...unique.values()].sort((a, b) => a.tag - b.tag);
      return new Dataset(sorted, { ...encoding, undefinedLength });
    });
  };
  return data(3);
}

function bytesElement(tag: number, vr: string, source: Uint8Array): DataElement {
  return { tag, vr, source, start: 0, end: source.length, ...none };
}

/** Everything that a data set says, apart from lengths of groups and padding. */
function treeOf(data: Dataset): string {
  const element = (one: DataElement): unknown => [
    one.tag,
    one.items?.map((item) => JSON.parse(treeOf(item)) as unknown),
    one.fragments?.map((fragment) => hex(fragment)),
    one.items || one.fragments ? '' : hex(valueBytes(one)),
  ];
  return JSON.stringify(data.elements.filter((one) => one.tag % 65_536 !== 0).map(element));
}

function hex(value: Uint8Array): string {
  return Buffer.from(stripped(value)).toString('hex');
}

function stripped(value: Uint8Array): Uint8Array {
  const end = value.findLastIndex((byte) => byte !== 0 && byte !== 32);
  return value.subarray(0, end + 1);
}

/** As recording/record_datasets.py does it. @returns the number of elements. */
function digestInto(hash: ReturnType<typeof createHash>, data: Dataset): number {
  let count = 0;
  for (const element of data.elements.toSorted((a, b) => a.tag - b.tag)) {
    if (element.tag % 65_536 === 0) continue;
    count++;
    hash.update(element.tag.toString(16).padStart(8, '0'));
    for (const item of element.items ?? []) {
      hash.update('(');
      count += digestInto(hash, item);
      hash.update(')');
    }
    if (element.items === undefined) hash.update(stripped(rawValue(element)));
  }
  return count;
}

/** Fragments with the heads of their items, as pydicom keeps them. */
function rawValue(element: DataElement): Uint8Array {
  if (element.fragments === undefined) return valueBytes(element);
  return Buffer.concat(
    element.fragments.flatMap((fragment) => {
      const head = Buffer.from([0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0]);
      head.writeUInt32LE(fragment.length, 4);
      return [head, fragment];
    }),
  );
}

function orImagingError<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
    return undefined;
  }
}

function expectDamaged(action: () => unknown): void {
  expect(action).toThrow(expect.objectContaining({ code: 'imaging.dicom-damaged' }));
}
