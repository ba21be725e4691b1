/** The phases of contrast enhancement of a CT of the kidneys. */

/** In order of time after the injection. */
export const contrastPhases = ['unenhanced', 'corticomedullary', 'nephrographic', 'excretory'] as const;
export type ContrastPhase = (typeof contrastPhases)[number];
