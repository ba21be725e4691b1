import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DataElement, Dataset } from '../dicom/dataset.ts';
import { dictionary, type Keyword, transferSyntaxes } from '../dicom/dictionary.ts';
import { type DicomRecord, encodePart10 } from '../dicom/encode.ts';
import { exampleStudy } from '../dicom/example-study.ts';
import { formatPart10, parsePart10 } from '../dicom/part10.ts';
import type { ImagingErrorCode } from '../imaging-error.ts';
import { cleanedText } from './cleaned-text.ts';
import { withoutComments } from './codestream-comments.ts';
import { tableRules } from './confidentiality-rules.ts';
import type { Deidentification } from './deidentification.ts';
import { deidentify } from './deidentify.ts';
import type { DeidentificationProfile } from './profile.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { safeWords } from './safe-words.ts';
import { shiftedDate, shiftedDateTime } from './shifted-date.ts';
import { withStatedUids } from './stated-uids.ts';

const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
const ctImage = '1.2.840.10008.5.1.4.1.1.2';
const size = { rows: 48, columns: 200 };

/** A CT image of one frame; its pixels are zero unless given. */
function ct(more: DicomRecord = {}): Uint8Array {
  return encodePart10({
    SOPClassUID: ctImage,
    SOPInstanceUID: '1.2.3.4.1',
    StudyInstanceUID: '1.2.3.4.2',
    SeriesInstanceUID: '1.2.3.4.3',
    FrameOfReferenceUID: '1.2.3.4.4',
    Modality: 'CT',
    ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    PatientID: '4711',
    PatientName: 'Lung^Sommer',
    PatientBirthDate: '19561203',
    PatientSex: 'F',
    StudyDate: '20240229',
    StudyTime: '101112.5',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: size.rows,
    Columns: size.columns,
    BitsAllocated: 16,
    BitsStored: 12,
    HighBit: 11,
    PixelRepresentation: 0,
    PixelData: new Uint8Array(size.rows * size.columns * 2),
    ...more,
  });
}

async function passed(bytes: Uint8Array, profile: DeidentificationProfile = {}, key: Uint8Array = secret) {
  const result = await deidentify(bytes, { secret: key, profile });
  if (result.kind === 'refused') throw new Error(`${result.reason.code} ${result.reason.detail}`);
  return { ...result, data: parsePart10(result.bytes).data, meta: parsePart10(result.bytes).meta! };
}

async function refusal(bytes: Uint8Array, profile: DeidentificationProfile = {}): Promise<ImagingErrorCode | 'passed'> {
  const result: Deidentification = await deidentify(bytes, { secret, profile });
  return result.kind === 'refused' ? result.reason.code : 'passed';
}

describe('a subject', () => {
  test('has one pseudonym, one date shift and one UID for each, whatever the instance', async () => {
    const first = await passed(ct());
    const second = await passed(ct({ SOPInstanceUID: '1.2.3.4.9', StudyDate: '20240310' }));
    expect(first.subject).toMatch(/^SUB-[0-9A-HJKMNP-TV-Z]{10}$/);
    expect(second.subject).toBe(first.subject);
    expect(second.data.text('StudyInstanceUID')).toBe(first.data.text('StudyInstanceUID'));
    expect(second.data.text('SOPInstanceUID')).not.toBe(first.data.text('SOPInstanceUID'));
    const dayOf = (data: Dataset): number => Date.parse(data.text('StudyDate')!.replace(/(....)(..)(..)/, '$1-$2-$3'));
    expect((dayOf(second.data) - dayOf(first.data)) / 86_400_000).toBe(10);
    expect(first.data.text('StudyTime')).toBe('101112.5');
    expect((await passed(ct())).bytes).toEqual(first.bytes);
  });

  test('is another under another secret, issuer or ID, and not under another name', async () => {
    const { subject } = await passed(ct());
    const others = [ct({ PatientID: '4712' }), ct({ IssuerOfPatientID: 'B' })].map(
      async (bytes) => (await passed(bytes)).subject,
    );
    expect(await Promise.all(others)).not.toContain(subject);
    expect(
      (
        await passed(
          ct(),
          {},
          secret.map((byte) => byte ^ 1),
        )
      ).subject,
    ).not.toBe(subject);
    expect((await passed(ct({ PatientName: 'Winter^Sommer' }))).subject).toBe(subject);
  });

  test('without an ID is told by name and birth date, without these by the study', async () => {
    const nameless = { PatientID: '', PatientName: 'LUNG^SOMMER^' };
    const byName = await passed(ct(nameless));
    expect(byName.identity.subjectFrom).toBe('name-and-birth-date');
    expect((await passed(ct({ PatientID: '' }))).subject).toBe(byName.subject);
    const unknown = await passed(ct({ ...nameless, PatientBirthDate: '' }));
    expect(unknown.identity.subjectFrom).toBe('study');
    expect(unknown.subject).not.toBe(byName.subject);
  });

  test('stands in the file under its pseudonym, and in the account with its identity', async () => {
    const { data, subject, identity, meta, changes } = await passed(ct({ AccessionNumber: 'A1', StudyID: 'S1' }));
    expect([data.text('PatientID'), data.text('PatientName')]).toEqual([subject, subject]);
    expect(identity.subject).toMatchObject({
      PatientID: '4711',
      PatientName: 'Lung^Sommer',
      PatientBirthDate: '19561203',
    });
    expect(identity.study).toMatchObject({
      StudyInstanceUID: '1.2.3.4.2',
      AccessionNumber: 'A1',
      StudyDate: '20240229',
    });
    expect(data.text('StudyInstanceUID')).toBe(identity.pseudonyms.studyInstanceUid);
    expect(meta.text('MediaStorageSOPInstanceUID')).toBe(identity.pseudonyms.sopInstanceUid);
    expect(changes).toContainEqual({ tag: '00080050', action: 'emptied', reason: 'basic profile Z', count: 1 });
    expect(changes).toContainEqual({ tag: '00080020', action: 'shifted', reason: 'modified dates', count: 1 });
  });

  test('says what was done to it in codes', async () => {
    const { data } = await passed(ct());
    const codes = data.items('DeidentificationMethodCodeSequence').map((item) => item.text('CodeValue'));
    expect(codes).toEqual(['113100', '113101', '113103', '113104', '113105', '113107', '113108', '113111']);
    expect(data.text('PatientIdentityRemoved')).toBe('YES');
    expect(data.text('LongitudinalTemporalInformationModified')).toBe('MODIFIED');
    const strict = await passed(ct(), {
      dates: 'removed',
      descriptors: 'removed',
      patientCharacteristics: 'removed',
      privateAttributes: 'removed',
      burnedInText: 'unchecked',
    });
    expect(strict.data.items('DeidentificationMethodCodeSequence').map((item) => item.text('CodeValue'))).toEqual([
      ...['113100', '113103', '113104'],
    ]);
    expect([strict.data.text('StudyDate'), strict.data.text('PatientSex')]).toEqual([undefined, undefined]);
  });

  test('keeps the dates of devices only as the option for dates says', async () => {
    const bytes = ct({ DateOfLastCalibration: '20240101', StationName: 'CT99', InstitutionName: 'Somewhere' });
    const kept = await passed(bytes, { deviceIdentity: 'kept', institution: 'kept', dates: 'removed' });
    expect([kept.data.text('StationName'), kept.data.text('InstitutionName')]).toEqual(['CT99', 'Somewhere']);
    expect(kept.data.element('DateOfLastCalibration')).toBeUndefined();
    expect((await passed(bytes)).data.element('StationName')).toBeUndefined();
  });

  test('above 89 years is 90', async () => {
    expect((await passed(ct({ PatientAge: '093Y' }))).data.text('PatientAge')).toBe('090Y');
    expect((await passed(ct({ PatientAge: '089Y' }))).data.text('PatientAge')).toBe('089Y');
  });

  test('needs a secret of 32 bytes', async () => {
    await expect(deidentify(ct(), { secret: new Uint8Array(31) })).rejects.toThrow(RangeError);
  });
});

describe('UIDs', () => {
  test('that refer to each other still do, also in sequences; registered ones stay', async () => {
    const { data } = await passed(
      ct({ SourceImageSequence: [{ ReferencedSOPClassUID: ctImage, ReferencedSOPInstanceUID: '1.2.3.4.1' }] }),
    );
    const source = data.item('SourceImageSequence')!;
    expect(source.text('ReferencedSOPInstanceUID')).toBe(data.text('SOPInstanceUID'));
    expect(source.text('ReferencedSOPClassUID')).toBe(ctImage);
    expect(data.text('SOPInstanceUID')).toMatch(/^2\.25\.[1-9]\d{20,38}$/);
  });

  test('are never the same for two, and fit', () => {
    const pseudonyms = new Pseudonyms(secret);
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const [first, second] = [pseudonyms.uid(`9.${a}`), pseudonyms.uid(`9.${b}`)];
        expect(first === second).toBe(a === b);
        expect(first.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});

describe('UIDs that a file was stripped of', () => {
  const stripped = (...keywords: Keyword[]): Uint8Array => {
    const file = parsePart10(ct());
    const tags = new Set(keywords.map((keyword) => dictionary[keyword][0]));
    const { explicit, littleEndian } = file.data;
    const rest = file.data.elements.filter(({ tag }) => !tags.has(tag));
    return formatPart10({ ...file, data: new Dataset(rest, { explicit, littleEndian }) });
  };

  test('are those of the file meta information, as far as it has them', async () => {
    const whole = await passed(ct());
    expect((await passed(stripped('SOPClassUID', 'SOPInstanceUID'))).bytes).toEqual(whole.bytes);
    const bare = stripped('SOPInstanceUID', 'StudyInstanceUID', 'SeriesInstanceUID');
    expect(await refusal(bare)).toBe('imaging.dicom-ungrouped');
    const group = { studyInstanceUid: '1.2.3.4.2', seriesInstanceUid: '1.2.3.4.3' };
    const stated = formatPart10(withStatedUids(parsePart10(bare), group));
    expect((await passed(stated)).bytes).toEqual(whole.bytes);
    expect(withStatedUids(parsePart10(ct()), group).data.text('StudyInstanceUID')).toBe(
      parsePart10(ct()).data.text('StudyInstanceUID'),
    );
  });
});

describe('dates', () => {
  test.each([
    ['20240301', -1, '20240229'],
    ['20240229', -366, '20230228'],
    ['20000101', -3652, '19900101'],
    ['1997.04.30', -30, '19970331'],
    ['20241301', -1, undefined],
    ['20230229', -1, undefined],
    ['yesterday', -1, undefined],
  ])('%s moved by %i days is %s', (date, days, moved) => {
    expect(shiftedDate(date, days)).toBe(moved);
  });

  test.each([
    ['20240301112233.123456+0100', -1, '20240229112233.123456+0100'],
    ['202403', -60, '202401'],
    ['2024', -400, '2023'],
    ['2024030125x', -1, undefined],
  ])('%s moved by %i days is %s', (date, days, moved) => {
    expect(shiftedDateTime(date, days)).toBe(moved);
  });

  test('keep their distances', () => {
    const dates = fc.integer({ min: 0, max: 40_000 }).map((day) => {
      return new Date(Date.UTC(1950, 0, 1 + day)).toISOString().slice(0, 10).replaceAll('-', '');
    });
    const dayOf = (date: string): number => Date.parse(date.replace(/(....)(..)(..)/, '$1-$2-$3')) / 86_400_000;
    fc.assert(
      fc.property(dates, fc.integer({ min: -3652, max: -1 }), (date, days) => {
        expect(dayOf(shiftedDate(date, days)!) - dayOf(date)).toBe(days);
        expect(shiftedDate(shiftedDate(date, days)!, -days)).toBe(date);
      }),
    );
  });
});

describe('free text', () => {
  const anyText = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes));
  const none = { names: new Set<string>(), tokens: new Set<string>(), values: [] };
  const cleaned = (text: string) => cleanedText(text, { words: safeWords, identifying: none });

  test.each([
    ['Arterial phase 1.5 mm', 'Arterial phase 1.5 mm'],
    ['Arterial phase 1.5 mm, Müller 12.05.1956', 'Arterial phase 1.5 mm'],
    ['Abdomen^Niere_nativ (Adult)', 'Abdomen^Niere_nativ (Adult'],
    ['ThorAbd B30f 5.0', 'B30f 5.0'],
    ['AbdomenRoutine 512x512', 'AbdomenRoutine 512x512'],
    ['CT Übersicht Dr. Weißhaupt Zi. 12 Tel 06221 555 0199', 'CT Ubersicht 12'],
    ['pat 4711 born 1956', ''],
    ['12-05-56 Liver', 'Liver'],
    ['call 555 123 now', ''],
    ['山田太郎 liver', 'liver'],
    ['AB12345', ''],
    ['kidney\u0000M\u0000', 'kidney'],
  ])('%s becomes %s', (text, result) => {
    expect(cleaned(text)).toBe(result);
  });

  test('keeps nothing that it does not know, whatever is around it', () => {
    fc.assert(
      fc.property(anyText, anyText, (before, after) => {
        const result = cleaned(`${before} Zwirbelmann ${after}`);
        expect(result).not.toMatch(/zwirbel/i);
        expect(result).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });

  test('loses the names and numbers of its own file, be they safe words', async () => {
    const { data } = await passed(ct({ SeriesDescription: 'Lung 1.5 mm SOMMER 4711', StudyDescription: 'Kidney' }));
    expect(data.text('SeriesDescription')).toBe('1.5 mm');
    expect(data.text('StudyDescription')).toBe('Kidney');
    const { data: own } = await passed(
      ct({ ManufacturerModelName: 'Scanner of Sommer 4711', Manufacturer: 'SIEMENS' }),
    );
    expect([own.text('ManufacturerModelName'), own.text('Manufacturer')]).toEqual(['Scanner of', 'SIEMENS']);
  });

  test('may keep the words that a hospital adds', async () => {
    const bytes = ct({ SeriesDescription: 'Nierenprotokoll Heidelberg' });
    expect((await passed(bytes, { safeWords: ['NIERENPROTOKOLL'] })).data.text('SeriesDescription')).toBe(
      'Nierenprotokoll',
    );
    expect((await passed(bytes, { descriptors: 'removed' })).data.element('SeriesDescription')).toBeUndefined();
  });
});

describe('pixels', () => {
  const text = drawn('SOMMER 4711');

  test('with text in them are refused, made black, or let be, as the profile says', async () => {
    const bytes = ct({ PixelData: text });
    expect(await refusal(bytes)).toBe('imaging.deidentification-text-found');
    const { data, changes } = await passed(bytes, { burnedInText: 'blanked' });
    expect(data.bytes('PixelData')!.some((byte) => byte !== 0)).toBe(false);
    expect(changes).toContainEqual({ tag: '7fe00010', action: 'blanked', reason: 'text found', count: 1 });
    expect(data.text('BurnedInAnnotation')).toBe('NO');
    expect((await passed(bytes, { burnedInText: 'unchecked' })).data.bytes('PixelData')).toEqual(text);
  });

  test.each<[string, DicomRecord]>([
    ['says so', { BurnedInAnnotation: 'YES' }],
    ['is a screen save', { ImageType: ['DERIVED', 'SECONDARY', 'SCREEN SAVE'] }],
    ['is a secondary capture', { SOPClassUID: '1.2.840.10008.5.1.4.1.1.7' }],
    ['was converted', { ConversionType: 'WSD' }],
    ['is ultrasound', { Modality: 'US' }],
  ])('of a file that %s are refused unless a rule says where text is', async (_, more) => {
    const marked = new Uint8Array(text.length).fill(1);
    const bytes = ct({ PixelData: marked, ...more });
    expect(await refusal(bytes)).toBe('imaging.deidentification-burned-in');
    const modality = parsePart10(bytes).data.text('Modality')!;
    const region = { left: 10, top: 5, width: 30, height: 7 };
    const { data } = await passed(bytes, {
      pixelRules: [{ name: 'test', modality, rows: size.rows, regions: [region] }],
    });
    const pixels = data.bytes('PixelData')!;
    for (let at = 0; at < size.rows * size.columns; at++) {
      const [row, column] = [Math.floor(at / size.columns), at % size.columns];
      const isInside = row >= 5 && row < 12 && column >= 10 && column < 40;
      if ((pixels[2 * at] === 0) !== isInside) throw new Error(`pixel ${row}, ${column}`);
    }
  });

  test.each<[string, string]>([
    ['an encapsulated PDF', '1.2.840.10008.5.1.4.1.1.104.1'],
    ['a DICOMDIR', '1.2.840.10008.1.3.10'],
    ['raw data', '1.2.840.10008.5.1.4.1.1.66'],
    ['a photograph', '1.2.840.10008.5.1.4.1.1.77.1.4'],
    ["a vendor's own", '1.3.12.2.1107.5.9.1'],
  ])('or not: %s is refused', async (_, sopClass) => {
    expect(await refusal(ct({ SOPClassUID: sopClass }))).toBe('imaging.deidentification-class-refused');
  });

  test('that are compressed are decoded where they have to be seen', async () => {
    const compressed = asCompressed(ct({ ImageType: ['DERIVED', 'PRIMARY'] }));
    expect(await refusal(compressed)).toBe('imaging.deidentification-pixels-compressed');
    const decodePixels = () => Promise.resolve({ bytes: text });
    const seen = await deidentify(compressed, { secret, decodePixels });
    expect(seen.kind === 'refused' && seen.reason.code).toBe('imaging.deidentification-text-found');
    const blanked = await deidentify(compressed, { secret, decodePixels, profile: { burnedInText: 'blanked' } });
    if (blanked.kind === 'refused') throw new Error(blanked.reason.code);
    const file = parsePart10(blanked.bytes);
    expect(file.transferSyntaxUid).toBe(transferSyntaxes.explicitLittleEndian);
    expect(file.data.bytes('PixelData')?.length).toBe(text.length);
    const clear = await deidentify(compressed, {
      secret,
      decodePixels: () => ({ bytes: new Uint8Array(text.length) }),
    });
    if (clear.kind === 'refused') throw new Error(clear.reason.code);
    expect(parsePart10(clear.bytes).data.encapsulated()?.fragments.length).toBe(1);
  });

  test('lose what lies behind the last and in the bits that are none', async () => {
    const noisy = new Uint8Array(text.length + 12).fill(0xf0);
    const { data } = await passed(withOverlay(ct({ PixelData: noisy })), { burnedInText: 'unchecked' });
    expect(data.bytes('PixelData')?.length).toBe(text.length);
    expect(data.bytes('PixelData')?.subarray(0, 4)).toEqual(new Uint8Array([0xf0, 0, 0xf0, 0]));
    expect(data.elements.some(({ tag }) => tag >>> 24 === 0x60)).toBe(false);
  });

  test('of labels are no picture, and those of items go', async () => {
    const labels = ct({ Modality: 'SEG', SOPClassUID: '1.2.840.10008.5.1.4.1.1.66.4', PixelData: text });
    expect((await passed(labels)).data.bytes('PixelData')).toEqual(text);
    const { data, changes } = await passed(ct({ ReferencedImageSequence: [{ Rows: 1, Columns: 2, PixelData: text }] }));
    expect(data.item('ReferencedImageSequence')?.elements.length).toBe(2);
    expect(changes).toContainEqual({ tag: '7fe00010', action: 'removed', reason: 'pixels of an item', count: 1 });
  });

  test('have tables of offsets that are their own', async () => {
    const frames = [new Uint8Array([0xff, 0xd8, 1, 2, 0xff, 0xd9]), new Uint8Array([0xff, 0xd8, 0xff, 0xd9])];
    const liar = new TextEncoder().encode('SOMMER98');
    const bytes = asCompressed(
      ct({ NumberOfFrames: '2', ExtendedOffsetTable: liar, ExtendedOffsetTableLengths: liar }),
      [liar, ...frames],
    );
    const { data } = await passed(bytes);
    const { basicOffsetTable, extendedOffsetTable, fragments } = data.encapsulated()!;
    expect(new Uint32Array(basicOffsetTable.slice().buffer)).toEqual(new Uint32Array([0, 14]));
    expect(new BigUint64Array(extendedOffsetTable!.slice().buffer)).toEqual(new BigUint64Array([0n, 14n]));
    expect(new BigUint64Array(data.bytes('ExtendedOffsetTableLengths')!.slice().buffer)).toEqual(
      new BigUint64Array([6n, 4n]),
    );
    expect(fragments).toEqual(frames);
  });

  test('lose comments in their streams, and nothing else', () => {
    const comment = [0xff, 0xfe, 0, 8, ...Buffer.from('SOMMER')];
    const jfif = [0xff, 0xe0, 0, 9, ...Buffer.from('JFIF'), 0, 1, 2];
    const scan = [0xff, 0xda, 0, 2, 1, 0xff, 0, 2, 0xff, 0xd0, 3];
    const jpeg = new Uint8Array([
      0xff,
      0xd8,
      ...jfif,
      ...comment,
      ...scan,
      ...comment,
      0xff,
      0xd9,
      ...Buffer.from('SOMMER'),
    ]);
    const clean = withoutComments(jpeg);
    expect(Buffer.from(clean).includes('SOMMER')).toBe(false);
    expect(jpeg.filter((byte, at) => byte !== clean[at]).length).toBe(18);
    const codestream = new Uint8Array([
      0xff,
      0x4f,
      0xff,
      0x64,
      0,
      10,
      0,
      1,
      ...Buffer.from('SOMMER'),
      0xff,
      0xd9,
      ...Buffer.from('SOMMER'),
    ]);
    expect(Buffer.from(withoutComments(codestream)).includes('SOMMER')).toBe(false);
    expect(withoutComments(clean)).toBe(clean);
  });
});

test('broken files are refused as what they are', async () => {
  expect(await refusal(new Uint8Array(500))).toBe('imaging.dicom-not-dicom');
  expect(await refusal(ct().subarray(0, 900))).toBe('imaging.dicom-damaged');
  expect(await refusal(ct({ StudyInstanceUID: '' }))).toBe('imaging.dicom-ungrouped');
  expect(await refusal(ct({ Rows: 0 }))).toBe('imaging.dicom-pixels-unsupported');
});

test('any few damaged bytes give a file without identity or a refusal, never an error', async () => {
  const whole = withPrivate(
    ct({ SourceImageSequence: [{ ReferencedSOPInstanceUID: '1.2.3' }], SeriesDescription: 'Sommer' }),
  );
  const headerBytes = whole.length - size.rows * size.columns * 2;
  const damage = fc.array(fc.tuple(fc.nat(headerBytes - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(damage, async (places) => {
      const bytes = whole.slice();
      for (const [at, value] of places) bytes[at] = value;
      const result = await deidentify(bytes, { secret });
      if (result.kind === 'deidentified') parsePart10(result.bytes);
    }),
    { numRuns: 300 },
  );
});

test('text under a wrong VR is no way round the rules', async () => {
  const binary = ['OB', 'OW', 'OF', 'OD', 'OL', 'OV', 'UN', 'US', 'SS', 'UL', 'SL', 'FL', 'FD', 'AT', 'SV', 'UV'];
  const vrs = [...binary, 'DS', 'IS', 'CS', 'UI', 'UT', 'ZZ'];
  const own = parsePart10(ct()).data;
  // Not those that are kept as they are for what they say of a machine, or that say what the pixels are.
  const keywords = (Object.keys(dictionary) as Keyword[]).filter((keyword) => {
    const [tag, vr] = dictionary[keyword];
    const isText =
      /^(LT|ST|UT|UC|PN|DA|CS|DS|US|AE|UI)$/.test(vr) || /(Label|Description|Comments?|ID|Number)$/.test(keyword);
    return (
      isText &&
      tag >= 0x0010_0000 &&
      tag < 0x7fe0_0000 &&
      keyword !== 'DimensionDescriptionLabel' &&
      tag >>> 16 !== 0x0028 &&
      own.element(keyword) === undefined
    );
  });
  for (const [index, vr] of vrs.entries()) {
    const some = keywords.filter((_, at) => at % vrs.length === index);
    const bytes = withElements(
      ct(),
      some.map((keyword) => [dictionary[keyword][0], vr, 'ZwirbelmannOttok']),
    );
    const found = Buffer.from((await passed(bytes)).bytes).includes('Zwirbel');
    expect({ vr, found }).toEqual({ vr, found: false });
  }
});

test('private attributes go, but for those that the standard calls safe', async () => {
  const bytes = withPrivate(ct());
  const tagsOf = (data: Dataset) =>
    data.elements.filter(({ tag }) => (tag >>> 16) % 2 === 1).map(({ tag }) => tag.toString(16));
  expect(tagsOf((await passed(bytes)).data)).toEqual(['430010', '431039']);
  expect(tagsOf((await passed(bytes, { privateAttributes: 'removed' })).data)).toEqual([]);
});

test('a rule of the table that leaves a choice keeps the file valid', () => {
  const ruleOf = tableRules({
    ...{ dates: 'removed', descriptors: 'removed', patientCharacteristics: 'removed', deviceIdentity: 'removed' },
    ...{ institution: 'removed', privateAttributes: 'removed', burnedInText: 'refused' },
  });
  const actions = (['AcquisitionDate', 'ContentDate', 'SeriesDate', 'InstitutionName', 'PatientComments'] as const).map(
    (keyword: Keyword) => ruleOf(dictionary[keyword][0], dictionary[keyword][1])?.action,
  );
  // X/Z, Z/D, X/D, X/Z/D but optional everywhere, X
  expect(actions).toEqual(['empty', 'replace', 'replace', 'remove', 'remove']);
  expect(ruleOf(dictionary.Rows[0], 'US')).toBeUndefined();
});

test('an example study is still a study after', async () => {
  const { ct: slices, segmentation } = await exampleStudy();
  const results = await Promise.all([...slices, segmentation].map((bytes) => passed(bytes)));
  for (const [index, bytes] of [...slices, segmentation].entries()) {
    const before = parsePart10(bytes).data;
    for (const keyword of ['PixelData', 'ImagePositionPatient', 'PixelSpacing', 'RescaleIntercept', 'Rows'] as const) {
      expect(results[index]!.data.bytes(keyword)).toEqual(before.bytes(keyword));
    }
  }
  const series = new Set(results.map(({ data }) => data.text('SeriesInstanceUID')));
  expect([series.size, new Set(results.map(({ subject }) => subject)).size]).toEqual([2, 1]);
  const referenced = results.at(-1)!.data.item('ReferencedSeriesSequence')!.items('ReferencedInstanceSequence');
  const instances = new Set(results.map(({ data }) => data.text('SOPInstanceUID')));
  expect(referenced.every((item) => instances.has(item.text('ReferencedSOPInstanceUID')))).toBe(true);
  expect(
    results
      .at(-1)!
      .data.items('SegmentSequence')
      .map((item) => item.text('SegmentLabel')),
  ).toEqual([...['Kidney', 'Tumour', 'Cyst']]);
});

const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
test.skipIf(!existsSync(`${root}/ct`))('no text is found in real CT, and that of real ultrasound is', async () => {
  for (const name of ['ct/ge_gantry_tilt/01.dcm', 'ct/ge_gantry_tilt/20.dcm', 'dicom/ts/derived_ct/ct_LE.dcm']) {
    expect(await refusal(readFileSync(`${root}/${name}`))).toBe('passed');
  }
  const ultrasound = parsePart10(readFileSync(`${root}/dicom/pydicom/data_store/gdcm-US-ALOKA-16.dcm`));
  const elements = ultrasound.data.elements.map((element) =>
    element.tag === dictionary.Modality[0]
      ? { ...element, source: new TextEncoder().encode('CT'), start: 0, end: 2 }
      : element,
  );
  const bytes = formatPart10({
    ...ultrasound,
    data: new Dataset(elements, { littleEndian: ultrasound.data.littleEndian }),
  });
  expect(await refusal(bytes)).toBe('imaging.deidentification-text-found');
});

/** 16-bit pixels with letters of 4095, each nine pixels high, from column 10. */
function drawn(words: string): Uint8Array {
  const pixels = new Uint16Array(size.rows * size.columns);
  for (const [index, letter] of [...words].entries()) {
    if (letter === ' ') continue;
    for (let row = 0; row < 9; row++) {
      for (const column of row % 4 === 0 ? [0, 1, 2, 3, 4] : [0, 4])
        pixels[(10 + row) * size.columns + 10 + index * 8 + column] = 4095;
    }
  }
  return new Uint8Array(pixels.buffer);
}

function asCompressed(bytes: Uint8Array, items?: readonly Uint8Array[]): Uint8Array {
  const jpegLs = '1.2.840.10008.1.2.4.80';
  const file = parsePart10(bytes);
  const value = new TextEncoder().encode(jpegLs);
  const meta = new Dataset(
    file.meta!.elements.map((element) =>
      element.tag === 0x0002_0010 ? { ...element, source: value, start: 0, end: value.length } : element,
    ),
  );
  const fragments = items ?? [new Uint8Array(0), new Uint8Array([0xff, 0xd8, 0xff, 0xd9])];
  const elements = file.data.elements.map((element) =>
    element.tag === dictionary.PixelData[0]
      ? { ...element, vr: 'OB', end: element.start, fragments, undefinedLength: true }
      : element,
  );
  return formatPart10({ ...file, meta, transferSyntaxUid: jpegLs, data: new Dataset(elements) });
}

function withElements(bytes: Uint8Array, more: readonly [tag: number, vr: string, value: string][]): Uint8Array {
  const file = parsePart10(bytes);
  const added = more.map(([tag, vr, text]): DataElement => {
    const source = new TextEncoder().encode(text);
    return {
      tag,
      vr,
      source,
      start: 0,
      end: source.length,
      items: undefined,
      fragments: undefined,
      undefinedLength: false,
    };
  });
  const elements = [...file.data.elements, ...added].sort((a, b) => a.tag - b.tag);
  return formatPart10({ ...file, data: new Dataset(elements) });
}

/** Bits of an overlay in bit 12 of the pixels. */
function withOverlay(bytes: Uint8Array): Uint8Array {
  return withElements(bytes, [[0x6000_0102, 'US', '\x0c\x00']]);
}

function withPrivate(bytes: Uint8Array): Uint8Array {
  return withElements(bytes, [
    [0x0009_0010, 'LO', 'SOMEBODY 1.0'],
    [0x0009_1001, 'LO', 'liver'],
    [0x0043_0010, 'LO', 'GEMS_PARM_01'],
    [0x0043_1001, 'SH', 'liver'],
    [0x0043_1039, 'IS', '800\\0\\0\\0'],
  ]);
}
