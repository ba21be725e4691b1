/** Uniform in [0, 1): for waits that shall not be the same everywhere. */
export const chance = (): number => Math.random();
