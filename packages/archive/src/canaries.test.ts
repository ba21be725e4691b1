/**
 * Identity planted in real files that come by every road: afterwards every byte that the archive keeps, tells or logs is
 * searched for it. What de-identification does to one file is tested in imaging, attribute by attribute.
 */
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Dataset, type DicomRecord, datasetOf, encodeNifti, formatPart10, parsePart10 } from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DimseClient } from './dimse/dimse-client.ts';
import { toyZip } from './intake/toy-zip.fixture.ts';
import { ArchiveService, consoleTokenFile } from './service/archive-service.ts';
import { serviceSettingsOf } from './service/service-settings.ts';
import { here, ToyDirectory, toyImage, toySeries } from './toy-archive.fixture.ts';

const data = process.env['CONSILIUM_TEST_DATA'] ?? join(import.meta.dirname, '../../../../shared/data');
const hasData = existsSync(join(data, 'dicom'));
if (!hasData) console.log('Canaries come to the archive in made-up files only: there is no ../shared/data.');

/** A word for each road, in everything that names somebody. */
const roads = { dimse: 'Zwackelmann', stow: 'Quastelhuber', zip: 'Schnurrbichl', folder: 'Pfundnagel' } as const;
const pathWord = 'Hinterzarten';
const niftiWord = 'Wurzelsepp';
const uidRoot = '1.2.276.99.4711';
const numberOf = (word: string): number => (Object.values(roads) as string[]).indexOf(word);

function identityOf(word: string): DicomRecord {
  return {
    ...{ PatientID: `${word}-ID`, PatientName: `${word}^Ottokar`, PatientBirthDate: '19561203' },
    ...{
      PatientAddress: `${word}weg 17`,
      PatientTelephoneNumbers: `${word} 5550199`,
      OtherPatientIDs: `${word}-OTHER`,
    },
    ...{
      AccessionNumber: `${word}ACC`.slice(0, 16),
      ReferringPhysicianName: `${word}^Doc`,
      OperatorsName: `${word}^Op`,
    },
    ...{ InstitutionName: `Klinik ${word}`, InstitutionAddress: `${word}platz`, StationName: word.slice(0, 16) },
    ...{ StudyDescription: `CT for ${word}`, SeriesDescription: `as ${word} wanted`, ImageComments: `seen by ${word}` },
    ...{ PatientComments: `${word} is tired`, RequestedProcedureDescription: word, ContrastBolusAgent: `${word} 300` },
    ...{ StudyInstanceUID: `${uidRoot}.1.${numberOf(word)}`, SeriesInstanceUID: `${uidRoot}.2.${numberOf(word)}` },
  };
}

function planted(bytes: Uint8Array, word: string, at: number): Uint8Array {
  const file = parsePart10(bytes);
  const uid = `${uidRoot}.3.${numberOf(word)}.${at}`;
  const study = {
    StudyInstanceUID: `${uidRoot}.1.${numberOf(word)}`,
    SeriesInstanceUID: `${uidRoot}.2.${numberOf(word)}.${at}`,
  };
  const own = datasetOf({ ...identityOf(word), ...study, SOPInstanceUID: uid }).elements;
  const tags = new Set(own.map(({ tag }) => tag));
  const elements = [...file.data.elements.filter(({ tag }) => !tags.has(tag)), ...own].sort((a, b) => a.tag - b.tag);
  const { explicit, littleEndian } = file.data;
  const preamble = Buffer.alloc(128, word);
  return formatPart10({ ...file, preamble, data: new Dataset(elements, { explicit, littleEndian }) });
}

/** One of many kinds; some are refused, as burned-in text and broken files are. */
const hosts: readonly Uint8Array[] = [
  ...toySeries({ patient: 'A' }),
  ...(hasData
    ? [
        'pydicom/test_files/CT_small.dcm',
        'ts/derived_ct/ct_JLS.dcm',
        'pydicom/test_files/MR_small_implicit.dcm',
        'ts/dicomparser/deflate/report_dfl',
        'pydicom/test_files/test-SR.dcm',
        'pydicom/test_files/rtstruct.dcm',
        'pydicom/test_files/rtdose.dcm',
        'seg/highdicom/seg_image_ct_binary_single_frame.dcm',
      ].map((name) => readFileSync(join(data, 'dicom', name)))
    : []),
];
const filesOf = (word: string): Uint8Array[] => {
  const whole = hosts.map((bytes, at) => planted(bytes, word, at));
  const broken = whole[0]!.slice(0, whole[0]!.length - 60);
  return [...whole, broken];
};

const words = [...Object.values(roads), niftiWord, pathWord, uidRoot];
const found = (bytes: Uint8Array): string[] => {
  const text = Buffer.from(bytes).toString('latin1').toLowerCase();
  return words.filter((word) => text.includes(word.toLowerCase()));
};

let directory: ToyDirectory;
let service: ArchiveService;
const told: string[] = [];
let token: string;

beforeAll(async () => {
  directory = new ToyDirectory();
  const stowToken = join(directory.path, 'stow.token');
  writeFileSync(stowToken, 'a'.repeat(32), { mode: 0o600 });
  const peers = [{ name: 'us', aeTitle: 'SENDER', addresses: ['127.0.0.1'] }];
  const settings = serviceSettingsOf({
    ...{ project: 'canaries', web: { port: 0 }, settleMs: 3_600_000 },
    dicom: { aeTitle: 'ARCHIVE', host: '127.0.0.1', port: 0, peers },
    dicomweb: { clients: [{ name: 'router', tokenFile: stowToken, may: ['store', 'read'] }] },
  });
  const log = (...line: unknown[]) => void told.push(JSON.stringify(line, loggedValue));
  const logger = { info: log, warn: log, error: log, debug: log, trace: log, fatal: log, silent: log, level: 'trace' };
  service = await ArchiveService.open(join(directory.path, 'archive'), settings, {
    describer: here,
    logger: { ...logger, child: () => ({ ...logger, child: () => logger }) } as never,
    onStorageEvent: (event) => told.push(JSON.stringify(event)),
  });
  service.archive.events.listen((event) => told.push(JSON.stringify(event)));
  await service.start();
  token = readFileSync(join(directory.path, 'archive', consoleTokenFile), 'utf8').trim();
  await sendAll();
  await service.archive.series.settle();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

/** As Fastify's own logger writes requests, answers and errors. */
function loggedValue(key: string, value: unknown): unknown {
  if (key === 'req') return { method: (value as Request).method, url: (value as Request).url };
  if (key === 'res') return { statusCode: (value as { statusCode: number }).statusCode };
  return value instanceof Error ? `${value.stack} ${JSON.stringify({ ...value })}` : value;
}

async function ask(route: string, init: RequestInit = {}): Promise<string> {
  const headers = { Authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) };
  return (await fetch(`${service.url}/api/v1${route}`, { ...init, headers })).text();
}

async function sendAll(): Promise<void> {
  const remote = { host: '127.0.0.1', port: service.dicomPort!, callingAeTitle: 'SENDER', aeTitle: 'ARCHIVE' };
  await new DimseClient(remote).store(filesOf(roads.dimse).slice(0, -1));
  const parts = filesOf(roads.stow).flatMap((bytes) => [
    Buffer.from('\r\n--b\r\nContent-Type: application/dicom\r\n\r\n'),
    Buffer.from(bytes),
  ]);
  const stowed = await fetch(`${service.url}/dicom-web/studies`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${'a'.repeat(32)}`,
      'Content-Type': 'multipart/related; type="application/dicom"; boundary=b',
    },
    body: Buffer.concat([...parts, Buffer.from('\r\n--b--')]),
  });
  expect([200, 202]).toContain(stowed.status);
  const zip = toyZip(
    filesOf(roads.zip).map((bytes, at) => ({ name: `${roads.zip}/${at}.dcm`, bytes: Buffer.from(bytes) })),
  );
  const headers = { 'Content-Type': 'application/zip' };
  expect(await ask('/uploads/zip', { method: 'POST', headers, body: new Uint8Array(zip) })).toContain('"finished"');
  const folder = join(directory.path, 'incoming', pathWord);
  mkdirSync(join(folder, niftiWord), { recursive: true });
  for (const [at, bytes] of filesOf(roads.folder).entries())
    writeFileSync(join(folder, `${roads.folder} ${at}`), bytes);
  const image = toyImage({ seed: 5 });
  writeFileSync(join(folder, niftiWord, 'image.nii.gz'), encodeNifti(image, { description: niftiWord }));
  const labels = { ...image, voxels: Uint8Array.from(image.voxels, (value) => (value > 0 ? 1 : 0)) };
  writeFileSync(join(folder, niftiWord, 'label.nii.gz'), encodeNifti(labels, { description: niftiWord }));
  await service.archive.intake.importFolder(folder);
}

describe('identity that came to the archive by every road', () => {
  it('was there, and is known to whoever may ask', () => {
    for (const word of Object.values(roads)) expect(filesOf(word).every((bytes) => found(bytes).length > 0)).toBe(true);
    expect(service.archive.catalogue.count('').subjects).toBe(Object.keys(roads).length + 1);
    expect(service.archive.quarantine.list().length).toBeGreaterThanOrEqual(3);
    const known = service.archive.catalogue
      .subjects()
      .map(({ patientId }) => service.archive.reidentify('subject', patientId));
    for (const word of [...Object.values(roads), niftiWord]) expect(JSON.stringify(known)).toContain(word);
  });

  it('stands in no file of the archive, not even where it is encrypted', () => {
    const root = join(directory.path, 'archive');
    const files = globSync('**/*', { cwd: root }).filter((name) => statSync(join(root, name)).isFile());
    expect(files.filter((name) => name.startsWith('instances/')).length).toBeGreaterThan(12);
    const leaks = files.flatMap((name) => {
      const bytes = readFileSync(join(root, name));
      const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      return [...found(plain), ...found(Buffer.from(name))].map((word) => `${word} in ${name}`);
    });
    expect(leaks).toEqual([]);
  });

  it('is told by no answer but of those that say which file it was, and by no event or line of the log', async () => {
    const { catalogue, quarantine } = service.archive;
    const series = catalogue.search('').series;
    const pages = [
      '/overview',
      '/search?query=',
      '/findings',
      '/subjects',
      '/quarantine',
      '/fields',
      '/arrivals',
      '/roads',
    ];
    const answers = [
      ...pages,
      ...['modality', 'vendor', 'description', 'kernel', 'accession'].map((field) => `/facet?query=&field=${field}`),
      ...series.flatMap(({ seriesInstanceUid, studyInstanceUid, patientId }) => [
        ...[`/series/${seriesInstanceUid}`, `/studies/${studyInstanceUid}`, `/subjects/${patientId}`],
      ]),
    ];
    for (const route of answers) {
      const text = await ask(route);
      expect(text.length, route).toBeGreaterThan(1);
      // Reports of imports name what they did not take: the one place, for the machine's own people.
      const { imports: _, ...rest } = JSON.parse(text);
      expect(
        found(Buffer.from(JSON.stringify(Array.isArray(JSON.parse(text)) ? JSON.parse(text) : rest))),
        route,
      ).toEqual([]);
    }
    const headers = { Authorization: `Bearer ${'a'.repeat(32)}` };
    for (const { studyInstanceUid } of series) {
      for (const route of ['/studies', `/studies/${studyInstanceUid}/metadata`]) {
        const response = await fetch(`${service.url}/dicom-web${route}`, { headers });
        expect(found(Buffer.from(await response.arrayBuffer())), route).toEqual([]);
      }
    }
    expect(quarantine.list().flatMap((one) => found(Buffer.from(JSON.stringify(one))))).toEqual([]);
    expect(told.length).toBeGreaterThan(30);
    expect(told.filter((line) => found(Buffer.from(line)).length > 0)).toEqual([]);
  });
});
