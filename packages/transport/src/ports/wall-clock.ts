/** Milliseconds since 1970, by the machine's clock: what certificates and files are dated by. */
export const wallClockMs = (): number => Date.now();
