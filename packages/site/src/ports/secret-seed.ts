/** A seed that nobody can guess. */
import { randomInt } from 'node:crypto';

export const secretSeed = (): number => randomInt(2 ** 47);
