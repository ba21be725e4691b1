/** Asks the service that served the page: JSON both ways, files with progress. */
import { serviceErrorOf, unreachable } from './service-error.ts';

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** @param route below `/api/v1`, as `/overview`. @throws ServiceError */
export function ask<T>(route: string, asking?: Asking): Promise<T> {
  return askAt<T>(addressOf(route), asking);
}

/** @param address on the service's own host. @throws ServiceError */
export async function askAt<T>(address: string, { body, method = 'GET', signal }: Asking = {}): Promise<T> {
  const sends = method === 'POST' || method === 'PUT';
  const response = await fetched(address, {
    method,
    headers: sends ? { 'Content-Type': 'application/json' } : {},
    ...(sends ? { body: JSON.stringify(body ?? {}) } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw serviceErrorOf(response.status, answer);
  return answer as T;
}

/** The bytes at an address, as they come. @throws ServiceError */
export async function askStream(
  address: string,
  signal?: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await fetched(address, signal === undefined ? {} : { signal });
  if (!response.ok) throw serviceErrorOf(response.status, await response.json().catch(() => undefined));
  if (response.body === null) throw unreachable();
  return response.body;
}

async function fetched(address: string, asking: RequestInit): Promise<Response> {
  try {
    return await fetch(address, asking);
  } catch (error) {
    if (asking.signal?.aborted) throw error;
    throw unreachable();
  }
}

export function addressOf(route: string): string {
  return `/api/v1${route}`;
}

/** A route with values that are left out where they are undefined. */
export function routeWith(
  route: string,
  values: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `${route}?${parameters}`;
}

export interface Sending {
  readonly contentType: string;
  readonly signal: AbortSignal;
  readonly onProgress: (sentBytes: number) => void;
}

/** By XMLHttpRequest, since `fetch` does not tell how much of a body has gone. @throws ServiceError */
export function sendFile<T>(route: string, file: Blob, { contentType, onProgress, signal }: Sending): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', addressOf(route));
    request.setRequestHeader('Content-Type', contentType);
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response as T);
      else reject(serviceErrorOf(request.status, request.response));
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(signal.reason);
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}
