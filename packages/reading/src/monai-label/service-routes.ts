/** What is no datastore and no model: the root, logging in, the log, OHIF and the way to DICOMweb. */
import { resolve } from 'node:path';
import { fastifyStatic } from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ReadingError } from '../reading-error.ts';
import { monaiRolesOf } from './gate.ts';
import { type AddRoute, formOf, type MonaiContext, type MonaiHandler, queryOf } from './monai-context.ts';

const logQuery = z.object({
  lines: z.coerce.number().int().min(0).default(300),
  html: z.string().default('true'),
  text: z.string().default('false'),
});
/** Of events that are looked through for the last ones. */
const eventsAtOnce = 1000;

export function serviceRoutes(add: AddRoute, context: MonaiContext): void {
  // The Reviewer module of 3D Slicer asks whether there is something at all.
  add('GET /', ({ reply }) =>
    reply
      .type('text/html; charset=utf-8')
      .send(page('MONAI Label', 'This is where clients of MONAI Label ask: 3D Slicer, OHIF.')),
  );
  authRoutes(add, context);
  add('GET /logs/', (turn) => {
    const { html, lines, text } = queryOf(logQuery, turn);
    const log = logOf(context, turn.asker)
      .slice(lines === 0 ? 0 : -lines)
      .join('\n');
    return html === 'true' && text !== 'true'
      ? turn.reply.type('text/html; charset=utf-8').send(page('What happened', `<pre>${escaped(log)}</pre>`))
      : turn.reply.type('text/plain; charset=utf-8').send(log);
  });
  add('GET /logs/gpu', ({ reply }) => reply.type('text/plain').send('No GPU is used here.\n'));
}

function authRoutes(add: AddRoute, context: MonaiContext): void {
  const { logIn, settings } = context;
  const enabled = settings.auth !== 'off';
  add('GET /auth/', () => ({ enabled, client_id: 'consilium', realm: settings.project }));
  add('POST /auth/token', async (turn) => {
    if (!enabled) return { access_token: null, token_type: null };
    await using form = await formOf(context, turn);
    const [username = '', password = ''] = ['username', 'password'].map((name) => form.fields.get(name));
    const token = await logIn(username, password);
    if (token === undefined) throw new ReadingError('reading.login-refused', 'The name or the password is wrong.');
    return { access_token: token, token_type: 'bearer' };
  });
  add('GET /auth/token/valid', ({ asker }) => ({
    ...{ username: asker.person, email: null, name: null },
    roles: monaiRolesOf(asker),
  }));
}

/** Of the project's events: they name neither patient nor series. */
function logOf(
  { datastore, room }: MonaiContext,
  asker: Parameters<MonaiContext['room']['events']>[0],
): readonly string[] {
  const lines: string[] = [];
  for (let since = 0; ; ) {
    const events = room.events(asker, datastore.project, { since, limit: eventsAtOnce });
    for (const { atMs, caseId, kind, person, seq } of events) {
      lines.push(`${new Date(atMs).toISOString()} ${person} ${kind}${caseId === undefined ? '' : ` ${caseId}`}`);
      since = seq;
    }
    if (events.length < eventsAtOnce) return lines;
  }
}

/** A built OHIF, whose own addresses all are its first page; or a page that says that there is none. */
export async function ohifRoutes(
  app: FastifyInstance,
  { add, context }: { add: AddRoute; context: MonaiContext },
): Promise<void> {
  const { ohifDirectory: root } = context.settings;
  if (root === undefined) {
    const none = page(
      'OHIF',
      'No OHIF is set up here. Say where a built one lies: <code>monaiLabel.ohifDirectory</code> in the archive’s settings.',
    );
    const tell: MonaiHandler = ({ reply }) => reply.type('text/html; charset=utf-8').send(none);
    add('GET /ohif/', tell);
    add('GET /ohif/*', tell);
    return;
  }
  await app.register(fastifyStatic, { root: resolve(root), serve: false });
  // Programs and styles, which anybody may have; what they show is asked for with a token.
  add('GET /ohif/', ({ reply }) => reply.sendFile('index.html'));
  add('GET /ohif/*', ({ params, reply }) => {
    const path = params['*'] ?? '';
    return reply.sendFile(/\.[a-z0-9]+$/i.test(path) ? path : 'index.html');
  });
}

/** To the archive's own DICOMweb, which asks itself who asks. */
export function proxyRoutes(app: FastifyInstance, add: AddRoute, { dicomwebPath }: MonaiContext): void {
  const pass: MonaiHandler = ({ params, reply, request }) => {
    const path = (params['*'] ?? '').replace(/^(?:wado|qido|stow)(?=\/)/, '').replace(/^\//, '');
    const at = request.raw.url!.indexOf('?');
    request.raw.url = `${dicomwebPath}/${path}${at < 0 ? '' : request.raw.url!.slice(at)}`;
    reply.hijack();
    app.routing(request.raw, reply.raw);
    return reply;
  };
  add('GET /proxy/dicom/*', pass);
  add('POST /proxy/dicom/*', pass);
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${body}</p></html>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
