/** Brings the record of an experiment to the pages of a coordinator, for a person whose token allows that. */
import type { ExperimentRecord } from '@consilium/study';
import { CliError } from './cli-error.ts';

export interface UploadOptions {
  readonly name: string;
  /** Address of the pages. */
  readonly to: string;
  /** Of a person there, with the scope `experiment.write`. */
  readonly token: string | undefined;
}

const patienceMs = 120_000;

/** @throws CliError `cli.token-wanted`, `cli.upload-failed` */
export async function uploadRecord(record: ExperimentRecord, { name, to, token }: UploadOptions): Promise<void> {
  if (token === undefined || token === '') {
    const text = 'Set CONSILIUM_TOKEN to a token with the scope experiment.write, from "My account" on the pages.';
    throw new CliError('cli.token-wanted', text);
  }
  const url = `${to.replace(/\/$/, '')}/api/v1/experiments/${encodeURIComponent(name)}`;
  const answer = await fetch(url, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(record),
    signal: AbortSignal.timeout(patienceMs),
  }).catch(() => {
    throw new CliError('cli.upload-failed', `${to} does not answer.`);
  });
  if (answer.ok) return;
  const said = (await answer.json().catch(() => null)) as { code?: string; message?: string } | null;
  const why = said?.message === undefined ? `HTTP ${answer.status}` : `${said.message} (${said.code})`;
  throw new CliError('cli.upload-failed', `${to} did not take the record: ${why}`);
}
