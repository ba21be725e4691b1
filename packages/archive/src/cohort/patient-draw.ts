/**
 * Draws patients into the parts of a split, stratum by stratum: a pure function of the patients, the seed, and what was
 * drawn before, which stays as it is.
 */
import { createHash } from 'node:crypto';

export interface DrawnPatient {
  readonly patientId: string;
  readonly stratum: string;
  readonly part: string;
}

export interface Draw {
  /** Of each part; they are made to sum to 1. */
  readonly shares: Readonly<Record<string, number>>;
  readonly seed: string;
  /** Drawn before. */
  readonly drawn: readonly DrawnPatient[];
}

/**
 * The new patients with their parts. Each goes to the part that its stratum, and all together, lack most; in an order that
 * the seed decides.
 */
export function drawPatients(
  patients: readonly { readonly patientId: string; readonly stratum: string }[],
  { shares, seed, drawn }: Draw,
): readonly DrawnPatient[] {
  const known = new Set(drawn.map(({ patientId }) => patientId));
  const tally = new Tally(shares);
  for (const patient of drawn) tally.add(patient);
  return patients
    .filter(({ patientId }) => !known.has(patientId))
    .map((patient) => ({ ...patient, order: orderOf(seed, patient.patientId) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ patientId, stratum }) => {
      const patient = { patientId, stratum, part: tally.mostLacking(stratum) };
      tally.add(patient);
      return patient;
    });
}

class Tally {
  readonly #shares: readonly (readonly [string, number])[];
  readonly #counts = new Map<string, number>();

  constructor(shares: Readonly<Record<string, number>>) {
    const sum = Object.values(shares).reduce((total, share) => total + share, 0);
    this.#shares = Object.entries(shares).map(([part, share]) => [part, share / sum]);
  }

  add({ stratum, part }: Pick<DrawnPatient, 'stratum' | 'part'>): void {
    for (const key of [`all`, `all/${part}`, `of ${stratum}`, `of ${stratum}/${part}`]) {
      this.#counts.set(key, this.#count(key) + 1);
    }
  }

  mostLacking(stratum: string): string {
    let most = { part: '', lack: Number.NEGATIVE_INFINITY };
    for (const [part, share] of this.#shares) {
      const lackOf = (key: string): number => share * (this.#count(key) + 1) - this.#count(`${key}/${part}`);
      // What all together lack decides where a stratum is too small to tell.
      const lack = lackOf(`of ${stratum}`) + lackOf('all');
      if (lack > most.lack + 1e-9) most = { part, lack };
    }
    return most.part;
  }

  #count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}

function orderOf(seed: string, patientId: string): string {
  return createHash('sha256').update(`${seed}\n${patientId}`).digest('hex');
}
