/** How the routes of people read what they are asked, and say no. */
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { PeopleError } from './people-error.ts';

/** @throws PeopleError `people.request-malformed`, naming the field. */
export function parsed<T>(schema: z.ZodType<T>, received: unknown): T {
  const { data, error } = schema.safeParse(received ?? {});
  if (data !== undefined) return data;
  const { path, message } = error!.issues[0]!;
  throw new PeopleError('people.request-malformed', `The request is wrong at "${path.join('.')}": ${message}.`);
}

/** Also for plugins with an answer of their own to errors. */
export function answerPeopleError({ code, message, statusCode, waitSeconds }: PeopleError, reply: FastifyReply): void {
  if (waitSeconds !== undefined) reply.header('Retry-After', String(waitSeconds));
  reply.code(statusCode).send({ code, message });
}

export function tooManyTries(waitMs: number): PeopleError {
  const waitSeconds = Math.ceil(waitMs / 1000);
  const text = `There were too many wrong tries. Wait ${waitSeconds} seconds.`;
  return new PeopleError('people.too-many-tries', text, { statusCode: 429, waitSeconds });
}
