/** The tree over the entries of a database: leaves beside the entries, whole subtrees above them. */
import type { DatabaseSync } from 'node:sqlite';
import { AuditError } from './audit-error.ts';
import { completedNodes, type Hash, hashLeaf, type NodeReader } from './merkle-tree.ts';
import type { SignedHead } from './signed-head.ts';

export class TreeStore {
  readonly #leaf;
  readonly #node;
  readonly #size;
  readonly #insertEntry;
  readonly #insertNode;

  constructor(database: DatabaseSync, { mayAppend }: { readonly mayAppend: boolean }) {
    this.#leaf = database.prepare('SELECT leaf AS hash FROM entry WHERE number = ?');
    this.#node = database.prepare('SELECT hash FROM node WHERE level = ? AND place = ?');
    this.#size = database.prepare('SELECT coalesce(max(number) + 1, 0) AS size FROM entry');
    if (!mayAppend) return;
    this.#insertEntry = database.prepare('INSERT INTO entry (number, line, leaf) VALUES (?, ?, ?)');
    this.#insertNode = database.prepare('INSERT INTO node (level, place, hash) VALUES (?, ?, ?)');
  }

  get size(): number {
    return Number(this.#size.get()!['size']);
  }

  /** @throws AuditError `audit.log-damaged` where something is missing. */
  readonly read: NodeReader = (level, place) => {
    const row = level === 0 ? this.#leaf.get(place) : this.#node.get(level, place);
    if (row === undefined) throw new AuditError('audit.log-damaged', 'A part of the tree of the audit log is missing.');
    return row['hash'] as Uint8Array;
  };

  /** In the transaction that is open. @returns the hash of the entry. */
  append(number: number, line: string): Hash {
    const leaf = hashLeaf(Buffer.from(line));
    this.#insertEntry!.run(number, line, leaf);
    for (const [above, node] of completedNodes(number, leaf, this.read).entries()) {
      const level = above + 1;
      this.#insertNode!.run(level, Math.floor(number / 2 ** level), node);
    }
    return leaf;
  }
}

/** A row of the table of heads. @param log the digest of its key. */
export function storedHead(row: Record<string, unknown>, log: string): SignedHead {
  const { root, signature, size, time } = row;
  return { log, size: Number(size), root: String(root), time: String(time), signature: String(signature) };
}
