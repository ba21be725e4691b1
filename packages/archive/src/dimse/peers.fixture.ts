/** The peers that the tests of DIMSE and DICOMweb talk to: Orthanc and DCMTK as Debian packs them. Nothing is doubled. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { axisAligned, parsePart10, uidOf, voxelCount, writeDicomSeries } from '@consilium/imaging';
import type { Admission, Door, Origin } from '../admission.ts';

const orthancPaths = ['/usr/sbin/Orthanc', '/usr/share/orthanc/plugins/libOrthancDicomWeb.so'] as const;

/** Whether all are there. Where not, tests that need them are skipped, and fail in CI. */
function present(what: string, paths: readonly string[]): boolean {
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length === 0) return true;
  if (process.env['CI'] !== undefined) throw new Error(`${what} is missing in CI: ${missing.join(', ')}`);
  console.log(`Skipped: ${what} is not installed (${missing.join(', ')}).`);
  return false;
}

export const hasOrthanc = present('Orthanc with its DICOMweb plugin', orthancPaths);
export const hasDcmtk = present(
  'DCMTK',
  ['echoscu', 'storescu', 'findscu'].map((name) => `/usr/bin/${name}`),
);

const testData = resolve(import.meta.dirname, '../../../../..', 'shared/data/dicom');
const dataRoot = process.env['CONSILIUM_TEST_DATA'] ?? testData;
export const hasTestData = existsSync(dataRoot);
if (!hasTestData) console.log(`Skipped: no real DICOM files in ${dataRoot}.`);

/** Real files of many kinds: those that state what they are. */
export function realFiles(folder = ''): { readonly name: string; readonly bytes: Uint8Array }[] {
  const names = readdirSync(join(dataRoot, folder), { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ name: path.slice(dataRoot.length + 1), bytes: readFileSync(path) }))
    .filter(({ bytes }) => bytes.toString('latin1', 128, 132) === 'DICM');
}

export interface Orthanc extends AsyncDisposable {
  readonly dicomPort: number;
  readonly url: string;
  /** REST, JSON. */
  rest(method: string, path: string, body?: unknown): Promise<unknown>;
}

export async function startOrthanc(): Promise<Orthanc> {
  const directory = mkdtempSync(join(tmpdir(), 'consilium-orthanc-'));
  const [dicomPort, httpPort] = [await freePort(), await freePort()];
  const always = {
    DicomAlwaysAllowStore: true,
    DicomAlwaysAllowFind: true,
    DicomAlwaysAllowGet: true,
    DicomAlwaysAllowMove: true,
  };
  const settings = {
    ...always,
    ...{ StorageDirectory: directory, IndexDirectory: directory, HttpPort: httpPort, DicomPort: dicomPort },
    ...{ DicomAet: 'ORTHANC', RemoteAccessAllowed: false, AuthenticationEnabled: false, UnknownSopClassAccepted: true },
    ...{ OverwriteInstances: true, Plugins: [orthancPaths[1]] },
    DicomWeb: { Enable: true, Root: '/dicom-web/' },
  };
  const file = join(directory, 'orthanc.json');
  writeFileSync(file, JSON.stringify(settings));
  // As for `dcmtk` below.
  const child = spawn(orthancPaths[0], [file], { stdio: 'ignore', env: { ...process.env, TCP_NODELAY: '1' } });
  const gone = new Promise((settle) => child.once('exit', settle));
  const url = `http://127.0.0.1:${httpPort}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error('Orthanc ended while it started');
    if (
      await fetch(`${url}/system`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break;
    await delay(50);
  }
  return {
    dicomPort,
    url,
    async rest(method, path, body) {
      const init =
        body === undefined ? { method } : { method, body: body instanceof Uint8Array ? body : JSON.stringify(body) };
      const response = await fetch(url + path, init as RequestInit);
      const text = await response.text();
      if (!response.ok) throw new Error(`Orthanc answered ${method} ${path} with ${response.status}: ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await gone;
      rmSync(directory, { recursive: true });
    },
  };
}

/** A program of DCMTK. Its sockets wait for acknowledgements by default (Nagle), 40 ms an instance. */
export function dcmtk(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((settle) => {
    const env = { ...process.env, TCP_NODELAY: '1' };
    execFile(`/usr/bin/${program}`, args, { env }, (error, stdout, stderr) =>
      settle({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}

/** A door that keeps what comes as it came. */
export class KeepingDoor implements Door {
  readonly files: { readonly bytes: Uint8Array; readonly origin: Origin }[] = [];
  /** What it does instead, where a test says so. */
  answer: ((bytes: Uint8Array) => Promise<Admission>) | undefined;

  async admit(bytes: Uint8Array, origin: Origin): Promise<Admission> {
    if (this.answer !== undefined) return this.answer(bytes);
    this.files.push({ bytes, origin });
    return { kind: 'stored', sopInstanceUid: 'kept' };
  }
}

/** A small CT series as files. */
export function exampleSeries({ slices = 4, patient = 'EXAMPLE' } = {}): readonly Uint8Array[] {
  const geometry = axisAligned({ size: [slices, 16, 16], spacingMm: [2.5, 0.75, 0.75], originMm: [0, 0, 0] });
  const voxels = Int16Array.from({ length: voxelCount(geometry) }, (_, at) => ((at * 7919) % 1500) - 900);
  return writeDicomSeries(
    { geometry, voxels },
    {
      seriesInstanceUid: uidOf('dicom network', patient, 'series'),
      frameOfReferenceUid: uidOf('dicom network', patient, 'frame'),
      seriesDescription: 'Made up',
      patient: { id: patient, name: 'Müller^Example', birthDate: '', sex: 'O' },
      study: {
        ...{ instanceUid: uidOf('dicom network', patient, 'study'), id: '1', date: '20260102', time: '030405' },
        ...{ accessionNumber: '', referringPhysician: '', description: 'Made up' },
      },
      acquisition: {
        ...{ manufacturer: 'Consilium', model: 'Example', kvp: 120, kernel: 'B30f', sliceThicknessMm: 2.5 },
        ...{ contrastAgent: undefined, comments: 'SYNTHETIC' },
      },
    },
  );
}

/** What follows the meta information: the data set as it is sent. */
export function dataSetBytes(file: Uint8Array): Buffer {
  const { meta } = parsePart10(file);
  return Buffer.from(file.buffer, file.byteOffset, file.length).subarray(meta?.elements.at(-1)?.end ?? 0);
}

export interface Certificates {
  readonly directory: string;
  readonly authority: string;
  readonly server: { readonly certificate: string; readonly key: string };
  readonly client: { readonly certificate: string; readonly key: string };
}

/** An authority, a server and a client, made with openssl, as PEM files of these names in `directory`. */
export function makeCertificates(directory: string): Certificates {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-subj', '/CN=test authority', '-keyout', 'authority.key', '-out', 'authority.pem');
  for (const name of ['server', 'client']) {
    const extension = ['-addext', 'subjectAltName=IP:127.0.0.1'];
    const signed = ['-CA', 'authority.pem', '-CAkey', 'authority.key'];
    openssl(
      'req',
      '-x509',
      ...key,
      ...signed,
      '-subj',
      `/CN=${name}`,
      ...extension,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  }
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const pair = (name: string) => ({ certificate: read(`${name}.pem`), key: read(`${name}.key`) });
  return { directory, authority: read('authority.pem'), server: pair('server'), client: pair('client') };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((settle) => server.once('listening', settle));
  const { port } = server.address() as AddressInfo;
  await new Promise((settle) => server.close(settle));
  return port;
}
