/**
 * Who may speak to the coordinator: invited by a one-time token, admitted by a person who compared fingerprints, revoked
 * one by one. Each change is durable when its promise resolves, and touches nobody else.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Revocations, revocationsStatement } from '@consilium/protocol';
import {
  type CertificateAuthority,
  digitsOfFingerprint,
  type Identity,
  Refusal,
  Role,
  requestFingerprint,
} from '@consilium/transport';

type MemberState = 'pending' | 'admitted' | 'revoked';

export interface Member {
  readonly role: Role;
  readonly id: string;
  readonly state: MemberState;
  /** Of the public key that it made; what people compare before one is admitted. */
  readonly fingerprint: string;
  /** PEM; null until it is admitted. */
  readonly certificate: string | null;
}

export interface RegistryOptions {
  readonly database: DatabaseSync;
  readonly authority: CertificateAuthority;
  /** How long certificates last: of a site, and of a person. */
  readonly days: { readonly site: number; readonly member: number };
  readonly nowMs: () => number;
  /** Told when a member was admitted or revoked, or has lost its admission by asking with another key. */
  readonly onDecided?: (member: Member) => void;
}

const tokenBytes = 24;

export class MemberRegistry {
  readonly #options: RegistryOptions;
  /** Asked with every request. */
  readonly #isAdmitted: StatementSync;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#isAdmitted = options.database.prepare(
      `SELECT 1 FROM member WHERE role = ? AND id = ? AND state = 'admitted' AND fingerprint = ?`,
    );
  }

  /** A token for one enrolment. Only its hash is kept. */
  invite({ role, id }: { role: Role; id: string }, hours: number): string {
    const token = randomBytes(tokenBytes).toString('base64url');
    this.#options.database
      .prepare('INSERT INTO invitation (token_sha256, role, id, expires_ms) VALUES (?, ?, ?, ?)')
      .run(hashOf(token), role, id, Math.round(this.#options.nowMs() + hours * 3_600_000));
    return token;
  }

  /**
   * Takes the request of someone who was invited. The same request with the same token again changes nothing, so that an
   * enrolment that was interrupted can be taken up.
   * @throws Refusal `coordinator.token-unknown`, `coordinator.token-used`, TransportError for a request that is none
   */
  enrol(token: string, request: string): Member {
    const fingerprint = requestFingerprint(request);
    const { database, nowMs } = this.#options;
    const row = database.prepare('SELECT * FROM invitation WHERE token_sha256 = ?').get(hashOf(token));
    // One that was used in time is good for as long as it takes a person to decide.
    if (row === undefined || (row['used'] === 0 && Number(row['expires_ms']) < nowMs())) {
      throw refusal('coordinator.token-unknown', 'The invitation is not known or has expired. Ask for a new one.');
    }
    const [role, id] = [String(row['role']) as Role, String(row['id'])];
    const present = this.find(role, id);
    if (row['used'] !== 0) {
      if (present?.fingerprint === fingerprint) return present;
      throw refusal(
        'coordinator.token-used',
        'The invitation has been used already, with another key. Ask for a new one.',
      );
    }
    database.exec('BEGIN IMMEDIATE');
    try {
      database
        .prepare(
          `INSERT INTO member (role, id, state, fingerprint, request, certificate) VALUES (?, ?, 'pending', ?, ?, NULL)
           ON CONFLICT (role, id) DO UPDATE SET state = 'pending', fingerprint = excluded.fingerprint,
           request = excluded.request, certificate = NULL`,
        )
        .run(role, id, fingerprint, request);
      database.prepare('UPDATE invitation SET used = 1 WHERE token_sha256 = ?').run(hashOf(token));
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
    if (present?.state === 'admitted') this.#options.onDecided?.(this.#known(role, id));
    return this.find(role, id)!;
  }

  find(role: Role, id: string): Member | undefined {
    const row = this.#options.database.prepare('SELECT * FROM member WHERE role = ? AND id = ?').get(role, id);
    return row === undefined ? undefined : memberOf(row);
  }

  list(): readonly Member[] {
    return this.#options.database.prepare('SELECT * FROM member ORDER BY role, id').all().map(memberOf);
  }

  /**
   * Admits who asked with a key of this fingerprint. Again: nothing changes.
   * @throws Refusal `coordinator.member-unknown`, `coordinator.fingerprint-differs`
   */
  async admit(role: Role, id: string, fingerprint: string): Promise<Member> {
    const member = this.#known(role, id);
    if (digitsOfFingerprint(member.fingerprint) !== digitsOfFingerprint(fingerprint)) {
      const text = `The fingerprint is not that of the key with which ${id} asks to be admitted. Compare again; if it still differs, someone else is asking.`;
      throw refusal('coordinator.fingerprint-differs', text);
    }
    if (member.state === 'admitted') return member;
    if (member.state === 'revoked')
      throw refusal('coordinator.member-revoked', `${id} was revoked. Invite it anew.`, 409);
    const { database } = this.#options;
    const request = String(
      database.prepare('SELECT request FROM member WHERE role = ? AND id = ?').get(role, id)!['request'],
    );
    const certificate = await this.#issue(role, id, request);
    const { changes } = database
      .prepare(
        `UPDATE member SET state = 'admitted', certificate = ?
         WHERE role = ? AND id = ? AND state = 'pending' AND fingerprint = ?`,
      )
      .run(certificate, role, id, member.fingerprint);
    if (changes === 0) return this.admit(role, id, fingerprint); // something was decided meanwhile, or it has another key
    this.#tell(role, id);
    return this.#known(role, id);
  }

  /**
   * A new certificate for one that is about to expire. The key stays: it is by its key that a member is known.
   * @throws Refusal `coordinator.fingerprint-differs`
   */
  async renew({ role, id }: Identity, request: string): Promise<string> {
    const member = this.#known(role, id);
    if (requestFingerprint(request) !== member.fingerprint) {
      throw refusal(
        'coordinator.fingerprint-differs',
        'A certificate is renewed for the same key; enrol anew with another.',
      );
    }
    const certificate = await this.#issue(role, id, request);
    this.#options.database
      .prepare(`UPDATE member SET certificate = ? WHERE role = ? AND id = ? AND state = 'admitted' AND fingerprint = ?`)
      .run(certificate, role, id, member.fingerprint);
    return certificate;
  }

  /** From now on nobody with a certificate of this member is let in. Again: nothing changes. */
  revoke(role: Role, id: string): Member {
    const { fingerprint } = this.#known(role, id);
    const { database } = this.#options;
    database.exec('BEGIN IMMEDIATE');
    try {
      database.prepare(`UPDATE member SET state = 'revoked' WHERE role = ? AND id = ?`).run(role, id);
      // It stays so when its owner is invited anew, with another key.
      const revokes = database.prepare('INSERT INTO revoked_key (fingerprint) VALUES (?) ON CONFLICT DO NOTHING');
      if (role === Role.member) revokes.run(fingerprint);
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
    this.#tell(role, id);
    return this.#known(role, id);
  }

  /** The keys with which members have signed who were revoked since: sites are told. */
  revocations(): Revocations {
    const { authority, database } = this.#options;
    const rows = database.prepare('SELECT fingerprint FROM revoked_key ORDER BY position').all();
    const keys = rows.map(({ fingerprint }) => digitsOfFingerprint(String(fingerprint)));
    const said = { number: keys.length, keys };
    const signature = authority.sign(revocationsStatement(authority.project, said));
    return { ...said, signature: Buffer.from(signature).toString('base64') };
  }

  /** Whether a peer with this certificate is let in: it was admitted, with this key, and not revoked since. */
  isAdmitted({ role, id, keyFingerprint }: Identity): boolean {
    return this.#isAdmitted.get(role, id, keyFingerprint) !== undefined;
  }

  /** Resolves when something was decided about a member, or `signal` aborts. */
  async decided(role: Role, id: string, signal: AbortSignal): Promise<void> {
    const key = `${role}/${id}`;
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      const giveUp = () => {
        waiting.delete(resolve);
        resolve();
      };
      if (signal.aborted) giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #tell(role: Role, id: string): void {
    this.#options.onDecided?.(this.#known(role, id));
    for (const resolve of this.#waiting.get(`${role}/${id}`) ?? []) resolve();
    this.#waiting.delete(`${role}/${id}`);
  }

  #known(role: Role, id: string): Member {
    const member = this.find(role, id);
    if (member === undefined) throw refusal('coordinator.member-unknown', `Nobody called ${id} has asked.`, 404);
    return member;
  }

  #issue(role: Role, id: string, request: string): Promise<string> {
    const { authority, days } = this.#options;
    return role === Role.site
      ? authority.issueSite({ request, id, days: days.site })
      : authority.issueMember({ request, id, days: days.member });
  }
}

function memberOf(row: Record<string, unknown>): Member {
  const certificate = row['certificate'];
  return {
    role: String(row['role']) as Role,
    id: String(row['id']),
    state: String(row['state']) as MemberState,
    fingerprint: String(row['fingerprint']),
    certificate: certificate === null ? null : String(certificate),
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function refusal(code: `coordinator.${string}`, message: string, status = 403): Refusal {
  return new Refusal(status, code, message);
}
