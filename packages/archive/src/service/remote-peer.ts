/** The archives of the settings from which studies are fetched, whatever they speak. */
import { readFile } from 'node:fs/promises';
import { ArchiveError } from '../archive-error.ts';
import type { JsonDataset } from '../dicomweb/dicom-json.ts';
import { DicomwebArchive } from '../dicomweb/dicomweb-archive.ts';
import { DicomwebClient } from '../dicomweb/dicomweb-client.ts';
import type { RemotesSettings } from '../dimse/dicom-settings.ts';
import { DimseArchive } from '../dimse/dimse-archive.ts';
import { DimseClient } from '../dimse/dimse-client.ts';
import type { RemoteArchive } from '../dimse/pull.ts';

type RemoteSettings = RemotesSettings[number];

/** A study as a remote archive lists it: identified, for the eyes of who looks for it, and kept nowhere. */
export interface RemoteStudy {
  readonly studyInstanceUid: string;
  readonly patientId: string;
  readonly patientName: string;
  readonly studyDate: string;
  readonly description: string;
  readonly modalities: readonly string[];
  readonly instances: number | undefined;
}

/** What to look for; `*` and `?` as DICOM has them, dates as `20260101-20260131`. Empty ones match everything. */
interface RemoteQuery {
  readonly patientId?: string | undefined;
  readonly patientName?: string | undefined;
  readonly studyDate?: string | undefined;
  readonly accessionNumber?: string | undefined;
  readonly modality?: string | undefined;
  readonly description?: string | undefined;
}

export interface RemotePeer extends AsyncDisposable {
  readonly name: string;
  /** Where labels are sent, if the settings say so of it. */
  readonly labels?: DicomwebClient;
  readonly archive: RemoteArchive;
  /** Resolves if it answers. */
  verify(signal: AbortSignal): Promise<void>;
  find(query: RemoteQuery, signal: AbortSignal): AsyncIterable<RemoteStudy>;
}

const attributes = {
  PatientID: '00100020',
  PatientName: '00100010',
  StudyInstanceUID: '0020000D',
  StudyDate: '00080020',
  StudyDescription: '00081030',
  AccessionNumber: '00080050',
  ModalitiesInStudy: '00080061',
  NumberOfStudyRelatedInstances: '00201208',
} as const;

/** @param ownAeTitle by which a PACS knows us. @throws ArchiveError `archive.settings-wrong` */
export async function openRemote(settings: RemoteSettings, ownAeTitle: string): Promise<RemotePeer> {
  return settings.kind === 'dimse' ? dimsePeer(settings, ownAeTitle) : dicomwebPeer(settings);
}

async function dimsePeer(
  { aeTitle, host, idleSeconds, name, port, retrieve, tls }: Extract<RemoteSettings, { kind: 'dimse' }>,
  ownAeTitle: string,
): Promise<RemotePeer> {
  const client = new DimseClient({
    ...{ aeTitle, host, port, callingAeTitle: ownAeTitle, idleMs: idleSeconds * 1000 },
    tls: tls && {
      authority: await fileText(tls.authority),
      certificate: await fileText(tls.certificate),
      key: await fileText(tls.key),
      serverName: tls.serverName,
    },
  });
  const by = retrieve === 'get' ? ({ by: 'get' } as const) : ({ by: 'move', destination: ownAeTitle } as const);
  return {
    name,
    archive: new DimseArchive({ client, retrieve: by }),
    verify: () => client.echo(),
    find: async function* (query, signal) {
      for await (const match of client.find({ level: 'STUDY', keys: keysOf(query) }, signal)) {
        yield studyOf((keyword) => match.texts(keyword));
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function dicomwebPeer(settings: Extract<RemoteSettings, { kind: 'dicomweb' }>): Promise<RemotePeer> {
  const { authority, idleSeconds, name, passwordFile, tokenFile, url, user } = settings;
  const token = await fileText(tokenFile);
  const password = await fileText(passwordFile);
  const client = new DicomwebClient({
    ...{ url, idleMs: idleSeconds * 1000, authority: await fileText(authority) },
    authorization:
      token !== undefined
        ? { kind: 'bearer', token: token.trim() }
        : user === undefined
          ? undefined
          : { kind: 'basic', user, password: password?.trimEnd() ?? '' },
  });
  return {
    name,
    ...(settings.receivesLabels ? { labels: client } : {}),
    archive: new DicomwebArchive({ client, peer: name }),
    verify: async (signal) => {
      for await (const _study of client.search('/studies', { limit: '1' }, signal)) return;
    },
    find: async function* (query, signal) {
      const keys = Object.entries(keysOf(query)).filter(([, value]) => value !== '');
      const asked = { ...Object.fromEntries(keys), includefield: 'all' };
      for await (const match of client.search('/studies', asked, signal)) {
        yield studyOf((keyword) => jsonTexts(match, attributes[keyword]));
      }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function keysOf(query: RemoteQuery): Record<keyof typeof attributes, string> {
  return {
    PatientID: query.patientId ?? '',
    PatientName: query.patientName ?? '',
    StudyInstanceUID: '',
    StudyDate: query.studyDate ?? '',
    StudyDescription: query.description ?? '',
    AccessionNumber: query.accessionNumber ?? '',
    ModalitiesInStudy: query.modality ?? '',
    NumberOfStudyRelatedInstances: '',
  };
}

function studyOf(texts: (keyword: keyof typeof attributes) => readonly string[]): RemoteStudy {
  const first = (keyword: keyof typeof attributes) => texts(keyword)[0] ?? '';
  const instances = Number(first('NumberOfStudyRelatedInstances'));
  return {
    studyInstanceUid: first('StudyInstanceUID'),
    patientId: first('PatientID'),
    patientName: first('PatientName'),
    studyDate: first('StudyDate'),
    description: first('StudyDescription'),
    modalities: texts('ModalitiesInStudy'),
    instances: Number.isFinite(instances) && instances > 0 ? instances : undefined,
  };
}

function jsonTexts(match: JsonDataset, tag: string): string[] {
  const values: readonly unknown[] = match[tag]?.Value ?? [];
  return values.map((value) =>
    typeof value === 'object' && value !== null && 'Alphabetic' in value ? String(value.Alphabetic) : String(value),
  );
}

async function fileText(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const message = 'A file that the settings of a remote archive name cannot be read.';
    throw new ArchiveError('archive.settings-wrong', message, { detail: path, cause });
  }
}
