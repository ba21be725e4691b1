/**
 * Joining a project, for a site and for a person alike: a key is made here, its fingerprint is shown, and a person at the
 * coordinator admits it. Interrupted, it is taken up where it was.
 */
import { enrol, type IdentityDirectory, type Invitation, parseInvitation, persist } from '@consilium/transport';
import { type AnswerOptions, answer } from './answer.ts';
import { CliError } from './cli-error.ts';

export interface JoiningOptions extends AnswerOptions {
  readonly signal: AbortSignal;
  readonly proxy?: string;
  /** How to take it up again. */
  readonly again: string;
}

/** @throws CliError `cli.invitation-for-another` */
export function invitationFor(role: Invitation['role'], text: string): Invitation {
  const invitation = parseInvitation(text);
  if (invitation.role === role) return invitation;
  const command = `consilium ${invitation.role} join`;
  const message = `The invitation is for a ${invitation.role}, ${invitation.id}. Use "${command}".`;
  throw new CliError('cli.invitation-for-another', message);
}

/** Resolves when it was admitted. Network trouble is told and waited out. */
export async function joinProject(
  identity: IdentityDirectory,
  invitation: Invitation,
  { signal, proxy, again, ...output }: JoiningOptions,
): Promise<void> {
  const { project, id, coordinator } = invitation;
  let isShown = false;
  const onPending = (fingerprint: string) => {
    if (isShown) return;
    isShown = true;
    answer(
      output,
      { state: 'pending', id, project, coordinator, fingerprint },
      `${coordinator} has the request of ${id} to join "${project}".

Read this fingerprint by telephone to the person who invited you:

  ${fingerprint}

Waiting to be admitted. This may be interrupted, and taken up again with
  ${again}`,
    );
  };
  let lastTrouble = '';
  const attempt = () => enrol(identity, invitation, { signal, onPending, ...(proxy === undefined ? {} : { proxy }) });
  await persist(attempt, {
    signal,
    onRetry: ({ message, code }) => {
      if (message !== lastTrouble) process.stderr.write(`${message} (${code}) Trying again ...\n`);
      lastTrouble = message;
    },
  });
}
