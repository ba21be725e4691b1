/**
 * A task that this site cannot do, or a case that it cannot use. `message` may leave the hospital; `detail` may name
 * files and patients and goes to the local log only.
 */
import type { Failure } from '@consilium/protocol';

export class SiteError extends Error {
  override readonly name = 'SiteError';
  readonly code: string;
  /** True if asking again cannot help until a person at the site has acted. */
  readonly lasting: boolean;
  readonly detail: string | undefined;
  constructor(code: `site.${string}`, message: string, options: { lasting?: boolean; detail?: string } = {}) {
    super(message);
    this.code = code;
    this.lasting = options.lasting ?? false;
    this.detail = options.detail;
  }
}

/** A task failed elsewhere, in the worker; what may be said of it is settled. */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Whose messages are written to leave the hospital: those of our own packages, by their codes. */
const publicCode = /^(?:site|imaging|training|engine|numerics|protocol|federation)\.[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** What may be said outside about any error. Of what is not ours, only that it happened. */
export function failureOf(error: unknown): Failure {
  if (error instanceof TaskFailure) return error.failure;
  const { code, message } = (error instanceof Error ? error : {}) as { code?: unknown; message?: string };
  if (typeof code === 'string' && publicCode.test(code)) {
    const lasting = error instanceof SiteError && error.lasting;
    return { code, message: message ?? '', lasting, stack: stackOf(error) };
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return {
      code: 'site.disk-full',
      message: 'The disk of the site’s work directory is full. Free some space; nothing that was finished is lost.',
      lasting: false,
    };
  }
  return {
    code: 'site.unexpected-error',
    message: 'An unexpected error at the site. The site’s own log says more.',
    lasting: false,
    stack: stackOf(error),
  };
}

/** The functions, files and lines of our own and our libraries' code, without directories: nothing of the data. */
function stackOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const frames = (error.stack ?? '').matchAll(
    /^ {4}at (?:(?:async )?([\w$.#<> ]+) \()?(?:[^\s()]*\/)?([\w.-]+):(\d+):\d+\)?$/gm,
  );
  return [...frames]
    .slice(0, 30)
    .map(([, name, file, line]) => `${name ?? '(anonymous)'} (${file}:${line})`.slice(0, 200));
}

/** Everything known about an error, for the local log. */
export function detailOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { detail } = error as { detail?: unknown };
  const cause = error.cause === undefined ? '' : `; cause: ${detailOf(error.cause)}`;
  return `${detail === undefined ? '' : `${String(detail)}; `}${error.stack ?? error.message}${cause}`;
}
