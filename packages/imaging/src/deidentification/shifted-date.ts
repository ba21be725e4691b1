/** Dates moved by whole days (PS3.15 E.3.6): DA and DT, with as many digits as they came with. Times of day stay. */

/** @returns undefined where the value is not a date. */
export function shiftedDate(value: string, days: number): string | undefined {
  // The second form is of ACR-NEMA, before DICOM.
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(value) ?? /^(\d{4})\.(\d{2})\.(\d{2})$/.exec(value);
  if (match === null) return undefined;
  return moved([Number(match[1]), Number(match[2]), Number(match[3])], days);
}

/** @returns undefined where the value is not a date and time. */
export function shiftedDateTime(value: string, days: number): string | undefined {
  const match = /^(\d{4})(\d{2})?(\d{2})?(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?([+-]\d{4})?$/.exec(value);
  if (match === null) return undefined;
  const [, year, month, day, time, zone] = match;
  // A year or month alone is moved from its middle.
  const from = [Number(year), Number(month ?? 7), Number(day ?? (month === undefined ? 2 : 15))] as const;
  const date = moved(from, days)?.slice(0, 4 + (month?.length ?? 0) + (day?.length ?? 0));
  return date && date + (time ?? '') + (zone ?? '');
}

/** Time of day as DICOM has it, or as ACR-NEMA had it. */
export function isTime(value: string): boolean {
  return /^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$/.test(value) || /^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$/.test(value);
}

function moved([year, month, day]: readonly [number, number, number], days: number): string | undefined {
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCDate(day + days);
  const [y, m, d] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  if (y < 1) return undefined;
  return String(y).padStart(4, '0') + String(m).padStart(2, '0') + String(d).padStart(2, '0');
}
