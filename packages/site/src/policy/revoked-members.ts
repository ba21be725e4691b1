/**
 * Members of the project that were revoked, as this site has heard: a file in its directory, which it keeps when it does
 * not hear of it again. A coordinator can keep a revocation to itself; it can neither make one up without the authority's
 * key nor take one back.
 */
import { join } from 'node:path';
import { type Revocations, revocationsSchema, revocationsStatement } from '@consilium/protocol';
import { digitsOfFingerprint, isSignedByAuthority } from '@consilium/transport';
import { readJson, writeJsonDurably } from '../json-file.ts';
import { SiteError } from '../site-error.ts';

interface Project {
  readonly project: string;
  /** The certificate of the project's authority, PEM. */
  readonly authority: string;
}

/** `refused`: it is older than what is known, takes something back, or is not the authority's. */
type Heard = 'kept' | 'known' | 'refused';

export class RevokedMembers {
  readonly #path: string;
  readonly #project: Project;
  #keys: readonly string[];

  private constructor(path: string, project: Project, keys: readonly string[]) {
    this.#path = path;
    this.#project = project;
    this.#keys = keys;
  }

  /**
   * @param siteDirectory the site's own
   * @throws SiteError `site.revocations-unreadable`: then it cannot be known whose signature is good no more
   */
  static async open(siteDirectory: string, project: Project): Promise<RevokedMembers> {
    const path = join(siteDirectory, 'revocations.json');
    const read = await readJson(path).catch(() => null);
    if (read === undefined) return new RevokedMembers(path, project, []);
    const { data } = revocationsSchema.safeParse(read);
    if (data !== undefined && isGood(data, project)) return new RevokedMembers(path, project, data.keys);
    const text = 'What the site knows of revoked members cannot be read, or is not the authority’s.';
    throw new SiteError('site.revocations-unreadable', text, { lasting: true });
  }

  /** How many. */
  get number(): number {
    return this.#keys.length;
  }

  /** @param keyFingerprint as people read it, or 64 hexadecimal digits */
  has(keyFingerprint: string): boolean {
    return this.#keys.includes(digitsOfFingerprint(keyFingerprint));
  }

  /** What counts from now on is on disk when this resolves. */
  async hear(heard: Revocations): Promise<Heard> {
    const takesBack = this.#keys.some((key, index) => heard.keys[index] !== key);
    if (takesBack || !isGood(heard, this.#project)) return 'refused';
    if (heard.number === this.number) return 'known';
    await writeJsonDurably(this.#path, heard);
    this.#keys = heard.keys;
    return 'kept';
  }
}

function isGood(said: Revocations, { authority, project }: Project): boolean {
  const signature = Buffer.from(said.signature, 'base64');
  const statement = revocationsStatement(project, said);
  return said.number === said.keys.length && isSignedByAuthority({ statement, signature }, authority);
}
