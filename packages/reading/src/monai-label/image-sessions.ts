/**
 * Images that clients send for a look of their own, not into the project. They lie in a folder of the reading room's, are for
 * the person who sent them, and go when they are not used, or with this process.
 */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveClock, makeDirectory } from '@consilium/archive';
import type { Asker } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import type { UploadedFile } from './uploaded-form.ts';

export interface ImageSession {
  readonly id: string;
  readonly person: string;
  /** Of the only file. */
  readonly path: string;
  /** With its extension; without the name it came with, which may be a patient's. */
  readonly fileName: string;
  readonly createdMs: number;
  usedMs: number;
  readonly expirySeconds: number;
}

export class ImageSessions {
  readonly #directory: string;
  readonly #clock: ArchiveClock;
  readonly #limits: { readonly sessionsMax: number; readonly sessionSeconds: number };
  readonly #sessions = new Map<string, ImageSession>();

  private constructor(directory: string, clock: ArchiveClock, limits: { sessionsMax: number; sessionSeconds: number }) {
    this.#directory = directory;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** What an earlier process left is removed. */
  static async open(
    directory: string,
    clock: ArchiveClock,
    limits: { sessionsMax: number; sessionSeconds: number },
  ): Promise<ImageSessions> {
    await rm(directory, { recursive: true, force: true });
    await makeDirectory(directory, 0o700);
    return new ImageSessions(directory, clock, limits);
  }

  /** @param expirySeconds at most what the settings say; 0 for that. @throws ReadingError `reading.sessions-full` */
  async create({ person }: Asker, file: UploadedFile, expirySeconds: number): Promise<ImageSession> {
    await this.#removeExpired();
    const { sessionSeconds, sessionsMax } = this.#limits;
    if (this.#sessions.size >= sessionsMax) {
      throw new ReadingError(
        'reading.sessions-full',
        `There are ${sessionsMax} sessions already. Wait until one ends.`,
      );
    }
    const id = randomUUID();
    const path = join(this.#directory, id);
    const nowMs = this.#clock.nowMs();
    const session: ImageSession = {
      ...{ id, person, path, fileName: `image${extensionOf(file.name)}`, createdMs: nowMs, usedMs: nowMs },
      expirySeconds: expirySeconds > 0 ? Math.min(expirySeconds, sessionSeconds) : sessionSeconds,
    };
    // Before anything is waited for, so that the limit holds.
    this.#sessions.set(id, session);
    try {
      await rename(file.path, path);
    } catch (error) {
      this.#sessions.delete(id);
      throw error;
    }
    return session;
  }

  /** @throws ReadingError `reading.session-unknown` also for another person's */
  async get({ person }: Asker, id: string, { isUse }: { isUse: boolean }): Promise<ImageSession> {
    await this.#removeExpired();
    const session = this.#sessions.get(id);
    if (session === undefined || session.person !== person) throw unknownSession();
    if (isUse) session.usedMs = this.#clock.nowMs();
    return session;
  }

  async remove(asker: Asker, id: string): Promise<ImageSession> {
    const session = await this.get(asker, id, { isUse: false });
    this.#sessions.delete(id);
    await rm(session.path, { force: true });
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sessions.clear();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #removeExpired(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    for (const { expirySeconds, id, path, usedMs } of this.#sessions.values()) {
      if (usedMs + expirySeconds * 1000 > nowMs) continue;
      this.#sessions.delete(id);
      await rm(path, { force: true });
    }
  }
}

function extensionOf(name: string): string {
  return /\.(?:nii|nii\.gz|nrrd|seg\.nrrd|dcm|zip)$/i.exec(name)?.[0].toLowerCase() ?? '';
}

function unknownSession(): ReadingError {
  return new ReadingError('reading.session-unknown', 'There is no such session, or not yours, or it is over.');
}
