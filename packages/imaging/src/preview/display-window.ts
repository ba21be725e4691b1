/** From measured values to brightness (PS3.3 C.11.2.1.2 and C.11.2.1.3). */

export interface DisplayWindow {
  readonly centre: number;
  /** At least 1; of `linear-exact` and `sigmoid` more than 0. */
  readonly width: number;
  /** VOI LUT Function; default `linear`. */
  readonly shape?: 'linear' | 'linear-exact' | 'sigmoid';
}

/** Of a CT, in HU. */
export const ctWindows = {
  abdomen: { centre: 50, width: 400 },
  lung: { centre: -600, width: 1500 },
  bone: { centre: 400, width: 1800 },
  brain: { centre: 40, width: 80 },
} as const satisfies Record<string, DisplayWindow>;

/** Brightness 0 to 1 of a value. */
export function brightness({ centre, width, shape = 'linear' }: DisplayWindow): (value: number) => number {
  switch (shape) {
    case 'linear':
      // The centre is half a step high, so that a width of 1 is a threshold.
      return (value) => {
        if (value <= centre - 0.5 - (width - 1) / 2) return 0;
        if (value > centre - 0.5 + (width - 1) / 2) return 1;
        return (value - (centre - 0.5)) / (width - 1) + 0.5;
      };
    case 'linear-exact':
      return (value) => Math.min(1, Math.max(0, (value - centre) / width + 0.5));
    case 'sigmoid':
      return (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width));
  }
}
