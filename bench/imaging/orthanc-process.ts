/** Orthanc, as Debian packs it, with its settings as they are but for ports, places and who may send. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface OrthancProcess {
  readonly child: ChildProcess;
  readonly dicomPort: number;
  readonly url: string;
}

export async function startOrthanc(directory: string): Promise<OrthancProcess> {
  mkdirSync(directory);
  const [dicomPort, httpPort] = [await freePort(), await freePort()];
  const settings = {
    ...{ StorageDirectory: directory, IndexDirectory: directory, HttpPort: httpPort, DicomPort: dicomPort },
    ...{ DicomAet: 'ORTHANC', RemoteAccessAllowed: false, AuthenticationEnabled: false, DicomAlwaysAllowStore: true },
  };
  const file = join(directory, 'orthanc.json');
  writeFileSync(file, JSON.stringify(settings));
  // Without it DCMTK's answers wait for acknowledgements (Nagle), 40 ms an instance: as Debian packs it, Orthanc is slower.
  const env = { ...process.env, TCP_NODELAY: '1' };
  const child = spawn('/usr/sbin/Orthanc', [file], { stdio: 'ignore', env });
  const url = `http://127.0.0.1:${httpPort}`;
  while (
    !(await fetch(`${url}/system`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error('Orthanc ended while it started');
    await delay(50);
  }
  return { child, dicomPort, url };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((settle) => server.once('listening', settle));
  const { port } = server.address() as AddressInfo;
  await new Promise((settle) => server.close(settle));
  return port;
}
