/** An app as it lies on disk: a folder with `app.yaml` and, where it has code of its own, one module beside it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { ReadingError } from '../reading-error.ts';
import { canonicalJson } from '../store/canonical-json.ts';
import { type AppCode, functionsOf } from './app-code.ts';
import { type AppDeclaration, appSchema, ownFunctions } from './app-schema.ts';

export const appFile = 'app.yaml';

export interface App {
  readonly declaration: AppDeclaration;
  /** SHA-256, hexadecimal, of declaration and code: its version. */
  readonly digest: string;
  readonly code: AppCode | undefined;
  readonly folder: string;
}

const declarationBytesMax = 2 ** 20;

/**
 * @param folder with `app.yaml`.
 * @throws ReadingError `reading.app-missing`, `reading.app-malformed` naming the field
 */
export async function readApp(folder: string): Promise<App> {
  const declaration = declarationOf(await textOf(folder));
  const code = declaration.code === undefined ? undefined : await codeOf(folder, declaration.code);
  const content = canonicalJson({ declaration, code: code?.sha256 ?? null });
  return { declaration, code, folder, digest: createHash('sha256').update(content).digest('hex') };
}

/** With its code loaded once. @throws as `readApp`; `reading.app-code-failed`, `reading.app-code-missing` */
export async function checkApp(folder: string): Promise<App> {
  const app = await readApp(folder);
  if (app.code === undefined) return app;
  const there = new Set(await functionsOf(app.code.path));
  const missing = ownFunctions(app.declaration).find((name) => !there.has(name));
  if (missing !== undefined) {
    const message = `The app’s code has no function "${missing}", which a step or tool names.`;
    throw new ReadingError('reading.app-code-missing', message);
  }
  return app;
}

async function textOf(folder: string): Promise<string> {
  const path = join(folder, appFile);
  try {
    const bytes = await readFile(path);
    if (bytes.length > declarationBytesMax) throw malformed('it is larger than 1 MiB', path);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof ReadingError) throw cause;
    if (cause instanceof TypeError) throw malformed('it is not UTF-8', path);
    const message = `There is no ${appFile} in this folder: make one with "consilium reading app new".`;
    throw new ReadingError('reading.app-missing', message, { detail: path, cause });
  }
}

function declarationOf(text: string): AppDeclaration {
  let received: unknown;
  try {
    received = parse(text);
  } catch (error) {
    // Where, and what the YAML parser says: it is the administrator's own file.
    throw malformed(`it is not YAML: ${String((error as Error).message).split('\n')[0]}`);
  }
  const { data, error } = appSchema.safeParse(received ?? {});
  if (data !== undefined) return data;
  const { message, path } = error!.issues[0]!;
  throw malformed(`at "${path.join('.')}": ${message}`);
}

async function codeOf(folder: string, name: string): Promise<AppCode> {
  const path = resolve(folder, name);
  try {
    return {
      path,
      sha256: createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    };
  } catch (cause) {
    throw new ReadingError('reading.app-malformed', `${appFile} names code that is not in the folder.`, {
      ...{ detail: path, cause },
    });
  }
}

function malformed(reason: string, detail?: string): ReadingError {
  const message = `${appFile} does not describe an app: ${reason}.`;
  return new ReadingError('reading.app-malformed', message, detail === undefined ? {} : { detail });
}
