/** Reads a log, also one that a service writes to: its entries, proofs of them, and copies for others to check. */
import { createPublicKey } from 'node:crypto';
import { copyFileSync, createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { openAuditDatabaseForReading } from './audit-database.ts';
import { type AuditEntry, decodeEntry } from './audit-entry.ts';
import { AuditError, auditErrorOf } from './audit-error.ts';
import { exportReadme } from './export-readme.ts';
import { readPublicKey } from './log-key.ts';
import {
  completedNodes,
  consistencyPath,
  type Hash,
  hashLeaf,
  inclusionPath,
  provesInclusion,
  rootOf,
} from './merkle-tree.ts';
import { encodePublicKey, isSignedBy, logIdOf, type SignedHead, signedHeadSchema } from './signed-head.ts';
import { storedHead, TreeStore } from './tree-store.ts';
import type { Checkpoint } from './witness.ts';

const proofSchema = z.strictObject({
  kind: z.literal('consilium-audit-proof-1'),
  /** The line as it is in the log. */
  entry: z.string(),
  /** Base64, from the entry upwards. */
  path: z.array(z.base64()).max(64),
  head: signedHeadSchema,
});
export type AuditProof = z.infer<typeof proofSchema>;

export interface EntryFilter {
  readonly action?: string | undefined;
  /** The id of a subject or an actor. */
  readonly about?: string | undefined;
  /** The newest. */
  readonly last: number;
}

export class AuditReader implements Disposable {
  readonly #directory: string;
  readonly #database: DatabaseSync;

  private constructor(directory: string, database: DatabaseSync) {
    this.#directory = directory;
    this.#database = database;
  }

  /** @throws AuditError `audit.no-log`, `audit.log-damaged` */
  static open(directory: string): AuditReader {
    return new AuditReader(directory, openAuditDatabaseForReading(directory));
  }

  /** Oldest first. @throws AuditError `audit.entry-altered` */
  entries({ about, action, last }: EntryFilter): readonly AuditEntry[] {
    const found: AuditEntry[] = [];
    for (const row of this.#database.prepare('SELECT line FROM entry ORDER BY number DESC').iterate()) {
      const entry = decodeEntry(String(row['line']));
      if (action !== undefined && entry.action !== action) continue;
      if (about !== undefined && ![entry.actor, ...entry.subjects].some(({ id }) => id === about)) continue;
      found.push(entry);
      if (found.length >= last) break;
    }
    return found.reverse();
  }

  /** @throws AuditError `audit.entry-unknown` */
  prove(number: number): AuditProof {
    return reading(() => {
      const { head } = this;
      const row = this.#database.prepare('SELECT line FROM entry WHERE number = ?').get(number);
      if (row === undefined || number >= head.size) {
        throw new AuditError('audit.entry-unknown', 'The audit log has no entry of that number.');
      }
      const { read } = new TreeStore(this.#database, { mayAppend: false });
      const path = inclusionPath(number, head.size, read).map((hash) => Buffer.from(hash).toString('base64'));
      return { kind: 'consilium-audit-proof-1', entry: String(row['line']), path, head };
    });
  }

  /** What this log says of itself to who keeps its head of so many entries; 0 if none. */
  checkpoint(since: number): Checkpoint {
    return reading(() => {
      const { head } = this;
      const { read } = new TreeStore(this.#database, { mayAppend: false });
      const path = since > head.size ? [] : consistencyPath(since, head.size, read);
      const publicKey = encodePublicKey(readPublicKey(join(this.#directory, 'public.pem')));
      return { publicKey, head, path: path.map((hash) => Buffer.from(hash).toString('base64')) };
    });
  }

  /** Writes a new directory that says all that the log says. @throws AuditError `audit.export-taken` */
  exportTo(directory: string): { readonly entries: number; readonly head: SignedHead } {
    if (existsSync(directory)) {
      throw new AuditError('audit.export-taken', 'There is something in that place already. Choose another directory.');
    }
    return reading(() => {
      const { head } = this;
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const path = join(directory, 'entries.jsonl');
      writeFileSync(path, '');
      let lines: string[] = [];
      const write = () => {
        writeFileSync(path, lines.join(''), { flag: 'a' });
        lines = [];
      };
      const rows = this.#database.prepare('SELECT line FROM entry WHERE number < ? ORDER BY number').iterate(head.size);
      for (const row of rows) {
        lines.push(`${String(row['line'])}\n`);
        if (lines.length >= 10_000) write();
      }
      write();
      writeFileSync(join(directory, 'head.json'), `${JSON.stringify(head, null, 2)}\n`);
      copyFileSync(join(this.#directory, 'public.pem'), join(directory, 'public.pem'));
      writeFileSync(join(directory, 'README.md'), exportReadme);
      return { entries: head.size, head };
    });
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** The newest, signed. */
  get head(): SignedHead {
    const row = this.#database.prepare('SELECT * FROM head ORDER BY size DESC LIMIT 1').get();
    if (row === undefined) throw new AuditError('audit.log-damaged', 'The audit log has no signed head.');
    return storedHead(row, logIdOf(readPublicKey(join(this.#directory, 'public.pem'))));
  }
}

/** Whether a log with this public key (PEM) says that. @throws AuditError `audit.proof-malformed` */
export function verifyProof(
  text: string,
  publicKey: string,
): { readonly isProved: boolean; readonly entry: AuditEntry } {
  let proof: AuditProof;
  try {
    proof = proofSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AuditError('audit.proof-malformed', 'This is no proof of an entry of an audit log.', { cause });
  }
  const entry = decodeEntry(proof.entry);
  const isProved =
    isSignedBy(proof.head, createPublicKey(publicKey)) &&
    provesInclusion({
      ...{ index: entry.number, size: proof.head.size, leaf: hashLeaf(Buffer.from(proof.entry)) },
      path: proof.path.map((hash) => Buffer.from(hash, 'base64')),
      root: Buffer.from(proof.head.root, 'hex'),
    });
  return { isProved, entry };
}

/** @throws AuditError `audit.proof-malformed` */
export function readHead(text: string): SignedHead {
  try {
    return signedHeadSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AuditError('audit.proof-malformed', 'This is no signed head of an audit log.', { cause });
  }
}

/** Whether a directory that was exported says what a log with this public key (PEM) says. */
export async function verifyExport(
  directory: string,
  publicKey: string,
): Promise<{ readonly isWhole: boolean; readonly entries: number }> {
  const head = readHead(readIfThere(join(directory, 'head.json')));
  const whole: Hash[] = [];
  const read = (level: number): Hash => whole[level]!;
  let entries = 0;
  for await (const line of linesOf(join(directory, 'entries.jsonl'))) {
    const leaf = hashLeaf(line);
    for (const [level, hash] of [leaf, ...completedNodes(entries, leaf, read)].entries()) whole[level] = hash;
    entries += 1;
  }
  const isWhole =
    entries === head.size &&
    isSignedBy(head, createPublicKey(publicKey)) &&
    Buffer.from(rootOf(entries, read)).toString('hex') === head.root;
  return { isWhole, entries };
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** As bytes, without the newline; what follows the last newline is a line, too. */
async function* linesOf(path: string): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let bytes = Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      yield bytes.subarray(0, end);
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
  }
  if (rest.length > 0) yield rest;
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw auditErrorOf(error);
  }
}
