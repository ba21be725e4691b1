/** Routes of the own account: password, second factor, sessions, tokens. What a stolen session must not do asks for the password. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { renderSVG } from 'uqr';
import { publicAccount } from './account.ts';
import * as api from './api.ts';
import type { LoginCookies, PeopleRoutesOptions } from './login-cookies.ts';
import { totpAddress } from './one-time-code.ts';
import { parsed, tooManyTries } from './people-answer.ts';
import { PeopleError } from './people-error.ts';

export function accountRoutes(app: FastifyInstance, options: PeopleRoutesOptions, cookies: LoginCookies): void {
  const { access, people } = options;
  const nameOf = (request: FastifyRequest) => access.of(request).name;
  app.get('/account', async (request): Promise<api.OwnAccount> => {
    const { sessionId } = access.of(request);
    const name = nameOf(request);
    const account = publicAccount(people.accounts.get(name));
    return {
      account,
      isSecondFactorRequired: people.accounts.isSecondFactorRequired(account),
      recoveryCodesLeft: people.accounts.recoveryCodesLeft(name),
      sessions: people.sessions.list(name).map((session) => ({ ...session, isThis: session.id === sessionId })),
      tokens: people.tokens.list(name),
    };
  });
  app.post('/account/password', { bodyLimit: 16_384 }, async (request, reply) => {
    const { newPassword, password } = parsed(api.newPasswordSchema, request.body);
    const name = nameOf(request);
    await checkPassword(options, name, password);
    await people.accounts.setPassword(access.actorOf(request), name, newPassword);
    cookies.begin(request, reply, { account: name, way: 'password' });
    return {};
  });
  app.delete('/account/sessions', async (request) => {
    people.sessions.endAll(nameOf(request), { but: access.of(request).sessionId });
    return {};
  });
  app.delete<{ Params: { id: string } }>('/account/sessions/:id', async (request) => {
    if (!people.sessions.end(nameOf(request), request.params.id)) {
      throw new PeopleError('people.session-unknown', 'There is no such session.', { statusCode: 404 });
    }
    return {};
  });
  secondFactorRoutes(app, options);
  app.post('/account/tokens', async (request) => {
    const { name, scopes, ...asked } = parsed(api.newTokenSchema, request.body);
    const { permissions } = access.of(request);
    if (scopes.some((scope) => !permissions.has(scope))) {
      throw new PeopleError('people.not-allowed', 'A token may do no more than its owner.', { statusCode: 403 });
    }
    return people.tokens.make(access.actorOf(request), nameOf(request), { ...asked, name, scopes });
  });
  app.delete<{ Params: { id: string } }>('/account/tokens/:id', async (request) => {
    await people.tokens.revoke(access.actorOf(request), nameOf(request), request.params.id);
    return {};
  });
}

function secondFactorRoutes(app: FastifyInstance, options: PeopleRoutesOptions): void {
  const { access, people, service } = options;
  app.post('/account/second-factor', async (request): Promise<api.SecondFactorDraft> => {
    const { name } = access.of(request);
    const { code, password } = parsed(api.factorDraftSchema, request.body);
    // Who has only the password must not replace what there is besides it.
    const isThere = people.accounts.get(name).hasSecondFactor;
    await checkPassword(options, name, password, isThere ? (code ?? '') : undefined);
    const secret = people.accounts.draftTotp(name);
    const address = totpAddress(secret, { account: name, issuer: service });
    return { address, secret, svg: renderSVG(address, { border: 2 }) };
  });
  app.post('/account/second-factor/confirm', async (request) => {
    const { code } = parsed(api.codeSchema, request.body);
    return { recoveryCodes: await people.accounts.confirmTotp(access.actorOf(request), access.of(request).name, code) };
  });
  app.post('/account/second-factor/remove', async (request) => {
    const { code, password } = parsed(api.removalSchema, request.body);
    const { name } = access.of(request);
    // Asked first, so that no recovery code is used up for nothing.
    if (people.accounts.isSecondFactorRequired(people.accounts.get(name))) {
      const text = 'Your roles need a second factor: it can be replaced, not removed.';
      throw new PeopleError('people.second-factor-kept', text, { statusCode: 409 });
    }
    await checkPassword(options, name, password, code);
    await people.accounts.removeTotp(access.actorOf(request), name);
    return {};
  });
}

/** @throws PeopleError `people.password-wrong`, `people.code-wrong`, `people.too-many-tries`, `people.no-password` */
async function checkPassword(
  { people }: PeopleRoutesOptions,
  name: string,
  password: string,
  code?: string,
): Promise<void> {
  const known = await people.login.isOwn(name, { password, code });
  if (known.kind === 'wait') throw tooManyTries(known.waitMs);
  if (known.kind === 'wrong') {
    throw new PeopleError('people.password-wrong', 'The password or the code is not right.', { statusCode: 403 });
  }
}
