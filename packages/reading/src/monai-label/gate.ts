/**
 * Who asks by MONAI Label's interface, and what that person may. One place lets in; three things are particular to its clients:
 * without logging in only this machine may ask, and no web page of others; an image that was handed out can be fetched for
 * some minutes without a token, because 3D Slicer fetches it without one; other origins are let in by name only.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Asker, mayIn } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import { Role } from '../workflow/task-state.ts';
import { isLoopback, type MonaiLabelSettings } from './monai-label-settings.ts';
import type { Need } from './route-needs.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    monaiLabel?: Need;
  }
}

const grantsMax = 10_000;

export interface GateOptions {
  readonly settings: MonaiLabelSettings;
  readonly identify: (request: FastifyRequest) => Asker | Promise<Asker>;
  readonly nowMs: () => number;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #askers = new WeakMap<FastifyRequest, Asker>();
  readonly #grants = new Map<string, { readonly asker: Asker; readonly untilMs: number }>();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** What is not said to need less needs the most. @throws ReadingError `reading.foreign-page`, `reading.role-wanted`, or what `identify` throws */
  async letIn(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#answerOrigin(request, reply);
    if (request.method === 'OPTIONS' && !request.is404) return;
    const need = request.routeOptions.config?.monaiLabel ?? 'admin';
    const { settings } = this.#options;
    if (settings.auth === 'off') this.#checkOwnMachine(request);
    if (need === 'open') return;
    const asker = (need === 'image' && this.#granted(request)) || (await this.#askerOf(request));
    if (!mayIn(asker, settings.project)) {
      throw new ReadingError('reading.project-unknown', 'There is no such project, or not for you.');
    }
    const wants = {
      user: [],
      image: [],
      annotator: [Role.reader, Role.adjudicator, Role.lead],
      admin: [Role.lead],
    } as const;
    const wanted: readonly Role[] = wants[need];
    if (wanted.length > 0 && !wanted.some((role) => asker.roles.includes(role))) {
      throw new ReadingError('reading.role-wanted', 'Your roles do not allow this.');
    }
    this.#askers.set(request, asker);
  }

  /** Who was let in. */
  asker(request: FastifyRequest): Asker {
    return this.#askers.get(request)!;
  }

  /** An image was handed out: it can be fetched without a token for a while, from where it was asked for. */
  grantImage(request: FastifyRequest, image: string): void {
    const { nowMs, settings } = this.#options;
    if (settings.imageGrantMinutes === 0) return;
    const key = grantOf(request, image);
    this.#grants.delete(key);
    this.#grants.set(key, { asker: this.asker(request), untilMs: nowMs() + settings.imageGrantMinutes * 60_000 });
    for (const oldest of this.#grants.keys()) {
      if (this.#grants.size <= grantsMax) break;
      this.#grants.delete(oldest);
    }
  }

  #granted(request: FastifyRequest): Asker | undefined {
    const { image } = request.query as { image?: unknown };
    if (typeof image !== 'string' || request.headers.authorization !== undefined) return undefined;
    const grant = this.#grants.get(grantOf(request, image));
    return grant !== undefined && this.#options.nowMs() < grant.untilMs ? grant.asker : undefined;
  }

  async #askerOf(request: FastifyRequest): Promise<Asker> {
    const { auth, person, project, roles } = this.#options.settings;
    return auth === 'off' ? { person, roles, projects: [project] } : this.#options.identify(request);
  }

  /** Another site's page in this machine's browser reaches what this machine reaches (DNS rebinding, forged requests). */
  #checkOwnMachine(request: FastifyRequest): void {
    const { origin } = request.headers;
    const isListed = origin !== undefined && this.#options.settings.corsOrigins.includes(origin);
    const isOwn =
      origin === undefined ? request.headers['sec-fetch-site'] !== 'cross-site' : origin.endsWith(`//${request.host}`);
    if (!isLoopback(request.ip) || !isLoopback(request.hostname) || !(isOwn || isListed)) {
      throw new ReadingError('reading.foreign-page', 'Without logging in, only programs of this machine may ask.');
    }
  }

  #answerOrigin({ headers: { origin } }: FastifyRequest, reply: FastifyReply): void {
    reply.header('Vary', 'Origin, Authorization').header('Cache-Control', 'no-store');
    if (origin === undefined || !this.#options.settings.corsOrigins.includes(origin)) return;
    reply.headers({
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Headers': 'Authorization, Accept, Content-Type',
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
      'Access-Control-Expose-Headers': 'Content-Disposition, Content-Type, Content-Length',
    });
  }
}

function grantOf(request: FastifyRequest, image: string): string {
  return `${request.ip} ${image}`;
}

/** MONAI Label's names of roles. */
export function monaiRolesOf({ roles }: Asker): readonly string[] {
  return [
    ...(roles.includes(Role.lead) ? ['admin'] : []),
    ...(roles.includes(Role.reviewer) ? ['reviewer'] : []),
    ...(roles.includes(Role.reader) || roles.includes(Role.adjudicator) ? ['annotator'] : []),
    'user',
  ];
}
