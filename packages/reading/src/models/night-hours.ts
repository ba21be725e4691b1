/** Hours of the night, when machines of the hospital have little else to do: by the local time of the archive's machine. */

export interface NightHours {
  /** As `20:00`. */
  readonly from: string;
  readonly to: string;
}

/** Times as `hh:mm` sort as text does. */
export function isNight(nowMs: number, { from, to }: NightHours): boolean {
  const now = new Date(nowMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(now.getHours())}:${two(now.getMinutes())}`;
  return from <= to ? from <= time && time < to : from <= time || time < to;
}
