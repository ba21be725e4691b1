/** Ages as DICOM states them (AS, PS3.5 6.2): 045Y, 018M, 003W, 012D. */

const daysOf = { Y: 365.25, M: 30.4375, W: 7, D: 1 } as const;

/** In years; undefined if it is no age. */
export function ageYearsOf(text: string | undefined): number | undefined {
  const match = /^(\d{3})([YMWD])$/.exec(text ?? '');
  if (match === null) return undefined;
  return (Number(match[1]) * daysOf[match[2] as keyof typeof daysOf]) / daysOf.Y;
}
