/** A hospital's PACS: Orthanc as Debian packs it. Nothing is doubled. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const program = '/usr/sbin/Orthanc';
const plugin = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';

/** Where it is not there, tests that need it are skipped, and fail in CI. */
export const hasOrthanc = existsSync(program) && existsSync(plugin);
if (!hasOrthanc) {
  if (process.env['CI'] !== undefined) throw new Error('Orthanc with its DICOMweb plugin is missing in CI');
  console.log('Skipped: Orthanc with its DICOMweb plugin is not installed.');
}

export interface Orthanc extends AsyncDisposable {
  readonly url: string;
  readonly dicomPort: number;
  /** JSON, or the bytes of a file. @returns JSON */
  rest(method: string, path: string, body?: unknown): Promise<unknown>;
}

const triesMax = 5;
const answerMs = 5000;

/** A free port may be somebody else's when it is taken: then it ends, and is started again on others. */
export async function startOrthanc(): Promise<Orthanc> {
  for (let tries = 1; ; tries++) {
    const started = await startOnce();
    if (started !== undefined) return started;
    if (tries === triesMax) throw new Error(`Orthanc ended ${triesMax} times while it started.`);
  }
}

async function startOnce(): Promise<Orthanc | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'consilium-orthanc-'));
  const [HttpPort, DicomPort] = await freePorts(2);
  const settings = {
    ...{ HttpPort, DicomPort, StorageDirectory: directory, IndexDirectory: directory, Plugins: [plugin] },
    ...{ AuthenticationEnabled: false, RemoteAccessAllowed: false, DicomAet: 'PACS', Name: directory },
    DicomWeb: { Enable: true, Root: '/dicom-web/' },
  };
  writeFileSync(join(directory, 'orthanc.json'), JSON.stringify(settings));
  // Its sockets wait for acknowledgements by default (Nagle).
  const env = { ...process.env, TCP_NODELAY: '1' };
  const child = spawn(program, [join(directory, 'orthanc.json')], { stdio: 'ignore', env });
  const gone = new Promise((done) => child.once('exit', done));
  const end = async () => {
    child.kill('SIGKILL');
    await gone;
    rmSync(directory, { recursive: true });
  };
  const url = `http://127.0.0.1:${HttpPort}`;
  // By its name: another one may answer on the port.
  while ((await nameAt(url)) !== directory) {
    if (child.exitCode !== null || child.signalCode !== null) {
      await end();
      return undefined;
    }
    await delay(50);
  }
  const rest = async (method: string, path: string, body?: unknown) => {
    const init =
      body === undefined ? { method } : { method, body: body instanceof Uint8Array ? body : JSON.stringify(body) };
    const response = await fetch(url + path, init as RequestInit);
    const text = await response.text();
    if (!response.ok) throw new Error(`Orthanc answered ${method} ${path} with ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  return { url, dicomPort: DicomPort!, rest, [Symbol.asyncDispose]: end };
}

async function nameAt(url: string): Promise<unknown> {
  try {
    const response = await fetch(`${url}/system`, { signal: AbortSignal.timeout(answerMs) });
    return ((await response.json()) as { Name?: unknown }).Name;
  } catch {
    return undefined;
  }
}

/** Different ones: all are held until all are found. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((done) => server.once('listening', done))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
