/**
 * How commands ask an archive: its service if it runs, else the same interface in this process, with the archive open for as
 * long as the command takes. Commands therefore need no more than `packages/archive/src/api.ts`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ArchiveService,
  consoleTokenFile,
  readServiceSettings,
  type ServiceExtension,
  type ServiceSettings,
  serviceAddressFile,
} from '@consilium/archive';
import { CliError } from './cli-error.ts';
import { archivePorts } from './environment-settings.ts';

const tokenVariable = 'CONSILIUM_TOKEN';

interface ArchiveAsking {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
  /** In place of a body in JSON. */
  readonly bytes?: Uint8Array;
}

/** Routes of the archive, as `/series`, and of its reading room, as `/reading/v1/projects`. */
export interface ArchiveClient extends AsyncDisposable {
  /** Whether a service answers; else the archive is open in this process. */
  readonly isService: boolean;
  /** @throws CliError with the archive's own code. */
  ask<T>(route: string, asking?: ArchiveAsking): Promise<T>;
  /** A file. @throws CliError with the archive's own code. */
  askBytes(route: string, asking?: ArchiveAsking): Promise<Uint8Array>;
}

interface Received {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/**
 * @param extensionsOf what the service has beside the archive itself, where no service runs and the command needs it.
 * @throws CliError, ArchiveError
 */
export async function openArchiveClient(
  directory: string,
  extensionsOf: (settings: ServiceSettings) => readonly ServiceExtension[] = () => [],
): Promise<ArchiveClient> {
  const headers = { Authorization: `Bearer ${await tokenOf(directory)}` };
  const url = await addressOf(directory);
  const known =
    url === undefined ? undefined : await fetch(`${url}/api/v1/session`, { headers }).catch(() => undefined);
  if (known?.status === 401) {
    const text = `The archive runs and does not know this token. Set ${tokenVariable} to an API token of yours ("My account" on the pages).`;
    throw new CliError('cli.token-wanted', text);
  }
  if (known?.ok) {
    const send = async (route: string, asking: ArchiveAsking): Promise<Received> => {
      const { method = 'GET' } = asking;
      const { type, content } = contentOf(asking);
      const response = await fetch(url + pathOf(route, asking), {
        method,
        headers: type === undefined ? headers : { ...headers, 'Content-Type': type },
        ...(content === undefined ? {} : { body: content }),
      });
      return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
    };
    return { isService: true, ...asksBy(send), [Symbol.asyncDispose]: async () => {} };
  }
  const settings = await readServiceSettings(directory);
  const service = await ArchiveService.open(directory, settings, {
    ...archivePorts(process.env),
    extensions: extensionsOf(settings),
  });
  const send = async (route: string, asking: ArchiveAsking): Promise<Received> => {
    const { method = 'GET' } = asking;
    const { type, content } = contentOf(asking);
    const response = await service.app.inject({
      method,
      url: pathOf(route, asking),
      headers: { Authorization: `Bearer ${service.ownToken}`, ...(type === undefined ? {} : { 'Content-Type': type }) },
      ...(content === undefined ? {} : { payload: Buffer.from(content as string) }),
    });
    return { status: response.statusCode, bytes: response.rawPayload };
  };
  return { isService: false, ...asksBy(send), [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

/** Of a person, so that the archive knows who it is; without, that of the directory. */
async function tokenOf(directory: string): Promise<string> {
  const own = process.env[tokenVariable] ?? '';
  if (own !== '') return own;
  return (await readFile(join(directory, consoleTokenFile), 'utf8').catch(() => '')).trim();
}

type Send = (route: string, asking: ArchiveAsking) => Promise<Received>;

function asksBy(send: Send): Pick<ArchiveClient, 'ask' | 'askBytes'> {
  return {
    ask: async <T>(route: string, asking: ArchiveAsking = {}) => {
      const { bytes, status } = await send(route, asking);
      return answerOf<T>(status, Buffer.from(bytes).toString('utf8'));
    },
    askBytes: async (route, asking = {}) => {
      const { bytes, status } = await send(route, asking);
      return status < 400 ? bytes : answerOf(status, Buffer.from(bytes).toString('utf8'));
    },
  };
}

function contentOf({ body, bytes }: ArchiveAsking): {
  readonly type?: string;
  readonly content?: Uint8Array<ArrayBuffer> | string;
} {
  if (bytes !== undefined) return { type: 'application/octet-stream', content: new Uint8Array(bytes) };
  return body === undefined ? {} : { type: 'application/json', content: JSON.stringify(body) };
}

/** Of the service that runs in this directory. */
export async function addressOf(directory: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(join(directory, serviceAddressFile), 'utf8')) as { url: string }).url;
  } catch {
    return undefined;
  }
}

function pathOf(route: string, { query = {} }: ArchiveAsking): string {
  const path = route.startsWith('/reading/') ? route : `/api/v1${route}`;
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

function answerOf<T>(status: number, text: string): T {
  const answer = JSON.parse(text === '' ? '{}' : text) as T & { code?: string; message?: string; position?: number };
  if (status < 400) return answer;
  const { code = 'archive.failed', message = 'The archive failed.', position } = answer;
  const where = position === undefined ? '' : ` (at character ${position + 1})`;
  const error = new CliError('cli.archive-refused', `${message}${where}`);
  return Promise.reject(Object.assign(error, { code })) as never;
}
