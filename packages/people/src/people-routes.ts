/** Routes by which people log in, look after their own account, and are looked after. Register with the prefix `/api/v1`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { accountRoutes } from './account-routes.ts';
import * as api from './api.ts';
import { cookieName, cookieOf, cookieText } from './cookie.ts';
import type { LoginOutcome } from './login.ts';
import { LoginCookies, type PeopleRoutesOptions } from './login-cookies.ts';
import { answerPeopleError, parsed, tooManyTries } from './people-answer.ts';
import { PeopleError } from './people-error.ts';
import { type ProviderLogin, providerLoginMs } from './provider-login.ts';
import type { RouteNeeds } from './route-guard.ts';
import type { LoginWay } from './sessions.ts';

/** For the table of the service, under its prefix. */
export const peopleRouteNeeds: RouteNeeds = {
  'GET /login': 'anyone',
  'GET /login/provider': 'anyone',
  'GET /login/provider/return': 'anyone',
  'POST /session': 'anyone',
  'GET /session': 'known',
  'DELETE /session': 'known',
  'GET /account': 'account.own',
  'POST /account/password': 'account.secure',
  'POST /account/second-factor': 'account.secure',
  'POST /account/second-factor/confirm': 'account.secure',
  'POST /account/second-factor/remove': 'account.own',
  'DELETE /account/sessions': 'account.own',
  'DELETE /account/sessions/:id': 'account.own',
  'POST /account/tokens': 'account.own',
  'DELETE /account/tokens/:id': 'account.own',
  'GET /people': 'accounts.read',
  'POST /people': 'accounts.manage',
  'PUT /people/:name/roles': 'accounts.manage',
  'PUT /people/:name/enabled': 'accounts.manage',
  'POST /people/:name/reset': 'accounts.manage',
  'PUT /directory-token': 'accounts.manage',
};

export async function peopleRoutes(app: FastifyInstance, options: PeopleRoutesOptions): Promise<void> {
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Cache-Control', 'no-store');
  });
  app.setErrorHandler(answerError);
  const cookies = new LoginCookies(options);
  loginRoutes(app, options, cookies);
  providerRoutes(app, options, cookies);
  accountRoutes(app, options, cookies);
  managementRoutes(app, options);
}

function loginRoutes(
  app: FastifyInstance,
  { access, people, provider }: PeopleRoutesOptions,
  cookies: LoginCookies,
): void {
  app.get('/login', async (): Promise<api.LoginOffer> => {
    const { accounts } = people;
    return { provider: provider?.name ?? null, hasPeople: accounts.list().length > 0, isTokenOn: accounts.isTokenOn };
  });
  app.post('/session', { bodyLimit: 16_384 }, async (request, reply): Promise<api.LoginAnswer> => {
    const asked = parsed(api.loginSchema, request.body);
    const from = { address: request.ip, device: cookies.deviceOf(request) };
    const outcome =
      'token' in asked
        ? await people.login.withToken(access.isDirectoryToken(asked.token), from)
        : await people.login.withPassword(asked, from);
    if (outcome.kind === 'code-wanted') return { outcome: outcome.kind };
    cookies.begin(request, reply, admitted(outcome));
    return { outcome: 'in' };
  });
  app.get('/session', async (request): Promise<api.WhoAsks> => {
    const { by, display, name, permissions, roles } = access.of(request);
    const account = by === 'session' ? people.accounts.find(name) : undefined;
    const isPasswordDue = account?.passwordUntilMs !== undefined;
    const isSecondFactorWanted = account !== undefined && people.accounts.isSecondFactorWanted(account);
    const { idleMs } = people.sessions.limits;
    return { name, display, roles, permissions: [...permissions], by, isPasswordDue, isSecondFactorWanted, idleMs };
  });
  app.delete('/session', async (request, reply) => {
    const { name, sessionId } = access.of(request);
    await people.login.noteEnd(access.actorOf(request));
    if (sessionId !== undefined) people.sessions.end(name, sessionId);
    cookies.end(reply);
    return {};
  });
}

/** @throws PeopleError `people.login-refused`, `people.too-many-tries` */
function admitted(outcome: LoginOutcome): { account: string; way: LoginWay } {
  if (outcome.kind === 'in') return outcome;
  if (outcome.kind === 'wait') throw tooManyTries(outcome.waitMs);
  throw new PeopleError('people.login-refused', 'That is not right, or this account is shut.', { statusCode: 401 });
}

function providerRoutes(app: FastifyInstance, options: PeopleRoutesOptions, cookies: LoginCookies): void {
  const { cookie, isSecure, people, provider } = options;
  const name = `${cookie}_provider`;
  const wanted = (): ProviderLogin => {
    if (provider !== undefined) return provider;
    throw new PeopleError('people.no-provider', 'No provider of logins is set up here.', { statusCode: 404 });
  };
  app.get<{ Querystring: { place?: string } }>('/login/provider', async ({ query }, reply) => {
    const { ticket, url } = await wanted().begin(String(query.place ?? '/'));
    const maxAgeSeconds = providerLoginMs / 1000;
    reply.header('Set-Cookie', cookieText(name, ticket, { maxAgeSeconds, isSecure, sameSite: 'Lax' }));
    return reply.redirect(url, 302);
  });
  app.get('/login/provider/return', async (request, reply) => {
    const ticket = cookieOf(request.headers.cookie, cookieName(name, isSecure));
    const query = request.url.slice(request.url.indexOf('?'));
    try {
      const { place, ...person } = await wanted().finish(query, ticket);
      const account = await people.accounts.provided({ kind: 'service', id: 'provider' }, person);
      if (account.isDisabled)
        throw new PeopleError('people.login-refused', 'This account is shut.', { statusCode: 401 });
      cookies.begin(request, reply, await people.login.admit(account.name, 'provider'));
      return reply.redirect(place, 302);
    } catch (error) {
      // A person looks at this answer: the page says it in words.
      if (!(error instanceof PeopleError)) throw error;
      request.log.warn({ err: error }, 'a login at the provider failed');
      return reply.redirect(`/#refused=${error.code}`, 302);
    }
  });
}

interface OfName {
  readonly Params: { readonly name: string };
}

function managementRoutes(app: FastifyInstance, { access, people }: PeopleRoutesOptions): void {
  const { accounts } = people;
  app.get(
    '/people',
    async (): Promise<api.PeopleList> => ({
      accounts: accounts.list().map((account) => ({
        ...account,
        isSecondFactorWanted: accounts.isSecondFactorWanted(account),
        tokens: people.tokens.list(account.name).length,
        sessions: people.sessions.list(account.name).length,
      })),
      isTokenOn: accounts.isTokenOn,
    }),
  );
  app.post('/people', async (request) => ({
    password: await accounts.add(access.actorOf(request), parsed(api.newAccountSchema, request.body)),
  }));
  app.put<OfName>('/people/:name/roles', async (request) => {
    const { roles } = parsed(api.newRolesSchema, request.body);
    await accounts.setRoles(access.actorOf(request), request.params.name, roles);
    return {};
  });
  app.put<OfName>('/people/:name/enabled', async (request) => {
    const { isOn } = parsed(api.switchSchema, request.body);
    await accounts.setDisabled(access.actorOf(request), request.params.name, !isOn);
    return {};
  });
  app.post<OfName>('/people/:name/reset', async (request) => ({
    password: await accounts.reset(access.actorOf(request), request.params.name),
  }));
  app.put('/directory-token', async (request) => {
    await accounts.setTokenOn(access.actorOf(request), parsed(api.switchSchema, request.body).isOn);
    return {};
  });
}

function answerError(error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof PeopleError) {
    answerPeopleError(error, reply);
    return;
  }
  const status = error.statusCode ?? 500;
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  const code = status >= 500 ? 'people.failed' : 'people.request-malformed';
  const message = status >= 500 ? 'The service failed: its log says more.' : 'The request is no JSON, or too large.';
  reply.code(status).send({ code, message });
}
