/** Passwords as argon2id hashes (RFC 9106), with the parameters that OWASP asks for at least. */
import { hash, verify } from '@node-rs/argon2';
import { normalisedPassword, passwordBytesMax } from './password-rules.ts';
import { PeopleError } from './people-error.ts';

export interface HashCost {
  readonly memoryKib: number;
  readonly passes: number;
}
const owaspCost: HashCost = { memoryKib: 19 * 1024, passes: 2 };

/** More at once would let whoever asks take the machine's memory. */
const atOnceMax = 2;
const waitingMax = 50;

export class PasswordHasher {
  readonly #cost: HashCost;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Of a password that nobody knows: verified where there is no account, so that the time is the same. */
  #decoy: Promise<string> | undefined;

  constructor(cost: HashCost = owaspCost) {
    this.#cost = cost;
  }

  hash(password: string): Promise<string> {
    const { memoryKib: memoryCost, passes: timeCost } = this.#cost;
    return this.#turn(() => hash(normalisedPassword(password), { memoryCost, timeCost, parallelism: 1 }));
  }

  /** @param known undefined where there is no such account, or it has no password: takes as long, and is false. */
  async verify(known: string | undefined, password: string): Promise<boolean> {
    this.#decoy ??= this.hash('nobody has this password');
    const stored = known ?? (await this.#decoy);
    if (Buffer.byteLength(password) > passwordBytesMax) return false;
    const isSame = await this.#turn(() => verify(stored, normalisedPassword(password)));
    return isSame && known !== undefined;
  }

  /** Whether it was made with other parameters than are used now. */
  isOld(stored: string): boolean {
    return !stored.startsWith(`$argon2id$v=19$m=${this.#cost.memoryKib},t=${this.#cost.passes},p=1$`);
  }

  /** @throws PeopleError `people.busy` */
  async #turn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= atOnceMax) {
      if (this.#waiting.length >= waitingMax) {
        throw new PeopleError('people.busy', 'Too many people log in at once. Try again in a moment.', {
          statusCode: 503,
          waitSeconds: 5,
        });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
