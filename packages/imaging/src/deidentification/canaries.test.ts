import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { exampleStudy } from '../dicom/example-study.ts';
import { type DicomFile, parsePart10 } from '../dicom/part10.ts';
import { canaryOf, leaksIn, ownUids, planted } from './canaries.fixture.ts';
import { deidentify } from './deidentify.ts';
import type { DeidentificationProfile } from './profile.ts';

const secret = new Uint8Array(32).fill(9);
const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
const hasData = existsSync(`${root}/dicom`);
if (!hasData) console.log('no real data: canaries are planted in made-up files only; set CONSILIUM_TEST_DATA');
const study = await exampleStudy();

/** Every encoding, and every kind of object that may pass. */
const hosts: Readonly<Record<string, () => Uint8Array>> = {
  'a made-up CT': () => study.ct[0]!,
  'a made-up segmentation': () => study.segmentation,
  ...(hasData && {
    'a CT with private attributes': () => read('dicom/pydicom/test_files/CT_small.dcm'),
    'a CT in big endian': () => read('dicom/ts/dicomparser/CT1_UNC.explicit_big_endian.dcm'),
    'a CT in JPEG-LS': () => read('dicom/ts/derived_ct/ct_JLS.dcm'),
    'an MR in implicit VR': () => read('dicom/pydicom/test_files/MR_small_implicit.dcm'),
    'an enhanced MR': () => read('dicom/enhanced/dcm_qa_enh/Siemens/XA10/6_1.dcm'),
    'a deflated report': () => read('dicom/ts/dicomparser/deflate/report_dfl'),
    'a structured report': () => read('dicom/pydicom/test_files/test-SR.dcm'),
    'structures without preamble': () => read('dicom/pydicom/test_files/rtstruct.dcm'),
    'a dose': () => read('dicom/pydicom/test_files/rtdose.dcm'),
    'a segmentation': () => read('dicom/seg/highdicom/seg_image_ct_binary_single_frame.dcm'),
  }),
};

function read(name: string): Uint8Array {
  return readFileSync(`${root}/${name}`);
}

describe.each(Object.entries(hosts))('identity planted in %s', (_, host) => {
  const file: DicomFile = parsePart10(host());
  const bytes = planted(file);

  test('is there before', () => {
    // Also inside of what is deflated.
    const before = leaksIn(planted({ ...file, transferSyntaxUid: file.transferSyntaxUid.replace('.1.99', '.1') }));
    expect(before.length).toBeGreaterThan(400);
    expect(before).toContain('a name in katakana');
  });

  test('is nowhere after', async () => {
    await expectClean(bytes, file, {});
  });
});

test('identity is nowhere after with all removed either', async () => {
  const file = parsePart10(study.ct[0]!);
  await expectClean(planted(file), file, {
    ...{ dates: 'removed', descriptors: 'removed', patientCharacteristics: 'removed', privateAttributes: 'removed' },
  });
});

async function expectClean(bytes: Uint8Array, file: DicomFile, profile: DeidentificationProfile): Promise<void> {
  const result = await deidentify(bytes, { secret, profile });
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.reason));
  expect(leaksIn(result.bytes)).toEqual([]);
  const text = Buffer.from(result.bytes).toString('latin1');
  expect(ownUids(file.data).filter((uid) => text.includes(uid))).toEqual([]);
  expect(leaksIn(Buffer.from(JSON.stringify(result.changes)))).toEqual([]);
}

test.each<[string, DeidentificationProfile, RegExp]>([
  ['institutions', { institution: 'kept' }, /planted in InstitutionName/],
  ['devices', { deviceIdentity: 'kept' }, /planted in StationName/],
  ['one unsafe word', { safeWords: [canaryOf('StudyDescription')] }, /planted in StudyDescription/],
])('the search finds canaries when a rule is off: %s', async (_, profile, leak) => {
  const result = await deidentify(planted(parsePart10(study.ct[0]!)), { secret, profile });
  if (result.kind === 'refused') throw new Error(result.reason.code);
  expect(leaksIn(result.bytes).join()).toMatch(leak);
});
