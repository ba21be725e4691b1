/** An archive's service with the reading room and MONAI Label's interface, people in it, and a project with cases. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveService, consoleTokenFile, serviceSettingsOf } from '@consilium/archive';
import type { Asker } from '../asker.ts';
import { readingExtension } from '../service/reading-extension.ts';
import { passing, renalProtocol, ToyClock, ToyDirectory } from '../toy-room.fixture.ts';
import { monaiLabelExtension } from './monai-label-extension.ts';
import { monaiLabelSettingsOf } from './monai-label-settings.ts';

/** Stands still while the archive waits for more to come. */
class StillClock extends ToyClock {
  override sleep(): Promise<void> {
    return new Promise((done) => setTimeout(done, 50));
  }
}

const leadAndReviewer: Asker = { person: 'rita', roles: ['lead', 'reviewer'] };

export class MonaiServer implements AsyncDisposable {
  readonly clock: ToyClock;
  readonly people: Map<string, Asker>;
  readonly service: ArchiveService;
  readonly token: string;
  readonly reading: ReturnType<typeof readingExtension>;
  readonly #directory: ToyDirectory;

  private constructor(
    parts: Pick<MonaiServer, 'clock' | 'people' | 'service' | 'token' | 'reading'>,
    directory: ToyDirectory,
  ) {
    this.clock = parts.clock;
    this.people = parts.people;
    this.service = parts.service;
    this.token = parts.token;
    this.reading = parts.reading;
    this.#directory = directory;
  }

  /** @param askers told apart by the header `X-Person`; without, who has the token is one person. */
  static async start(monaiLabel: object, askers: readonly Asker[] = []): Promise<MonaiServer> {
    const directory = new ToyDirectory();
    const clock = new StillClock();
    const people = new Map(askers.map((one) => [one.person, one]));
    const identify = (request: { headers: Record<string, unknown> }) =>
      people.get(String(request.headers['x-person'] ?? askers[0]!.person))!;
    const settings = serviceSettingsOf({ project: 'kidney', web: { port: 0 }, settleMs: 0 });
    const reading = readingExtension(askers.length === 0 ? {} : { identify });
    const monai = monaiLabelExtension({
      ...{ reading, dicomwebPath: settings.dicomweb.path },
      settings: monaiLabelSettingsOf({ project: 'renal', ...monaiLabel }, settings.web),
    });
    const service = await ArchiveService.open(directory.path, settings, {
      ...{ clock, deidentify: passing, extensions: [reading, monai] },
    });
    await service.start();
    const token = readFileSync(join(directory.path, consoleTokenFile), 'utf8').trim();
    await reading.room.projects.create(leadAndReviewer, 'renal', renalProtocol);
    return new MonaiServer({ clock, people, reading, service, token }, directory);
  }

  /** Of the archive. */
  get directory(): string {
    return this.#directory.path;
  }

  get url(): string {
    return `${this.service.url}/monailabel`;
  }

  get room() {
    return this.reading.room;
  }

  /** A token of a person with an account, who leads, reads, and sends images. */
  async tokenOf(name: string, scopes: readonly ('room.enter' | 'image.store')[]): Promise<string> {
    const { accounts, tokens } = this.service.people;
    const founder = { kind: 'person', id: 'founder' } as const;
    if (accounts.find(name) === undefined) {
      await accounts.add(founder, { name, display: name, roles: ['lead', 'reader', 'data-manager'] });
      await accounts.setPassword(founder, name, 'a quiet orange lighthouse');
    }
    return (await tokens.make(founder, name, { name: 'Slicer', scopes, days: 1 })).secret;
  }

  /** @returns the case. */
  async addCase(series: string, assignTo: readonly string[] = []): Promise<string> {
    const wanted = { readers: Math.max(1, assignTo.length), isBlinded: true, assignTo, priority: 0, dueMs: undefined };
    const [made] = await this.room.projects.addCases(leadAndReviewer, 'renal', { series: [series], ...wanted });
    return made!.caseId;
  }

  /** Has the newest handed-in label of a case approved. */
  async approve(caseId: string): Promise<void> {
    const task = this.room.tasks
      .list(leadAndReviewer, 'renal')
      .find((one) => one.caseId === caseId && one.state === 'submitted')!;
    const name = { project: 'renal', taskId: task.id };
    await this.room.reviews.take(leadAndReviewer, name);
    await this.room.reviews.decide(leadAndReviewer, {
      ...name,
      decision: 'approve',
      version: task.headVersion!,
      comment: '',
    });
    await this.room.idle();
  }

  /** A request as somebody. */
  async ask(
    person: string | undefined,
    method: string,
    path: string,
    body?: object | string,
    headers: Record<string, string> = {},
  ) {
    const isJson = body !== undefined && !(body instanceof FormData) && !(body instanceof URLSearchParams);
    const response = await fetch(`${this.url}${path}`, {
      ...{ method, redirect: 'manual' },
      headers: {
        ...(person === undefined ? {} : { Authorization: `Bearer ${this.token}`, 'X-Person': person }),
        ...(isJson ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: isJson && typeof body !== 'string' ? JSON.stringify(body) : (body as FormData) }),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = Buffer.from(bytes).toString();
    return { status: response.status, headers: response.headers, bytes, text, json: () => JSON.parse(text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    this.#directory[Symbol.dispose]();
  }
}

/** A form with a file, and `params` as JSON. */
export function formWith(
  field: string,
  file: { readonly bytes: Uint8Array; readonly name: string },
  params: object = {},
): FormData {
  const form = new FormData();
  form.set('params', JSON.stringify(params));
  form.set(field, new Blob([Buffer.from(file.bytes)]), file.name);
  return form;
}
