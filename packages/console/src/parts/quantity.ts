/** Numbers as people read them, with their units. */

const numbers = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${numbers.format(count)} ${count === 1 ? noun : plural}`;
}

export function wholeNumber(count: number): string {
  return numbers.format(count);
}

/** In thousands, as disks are sold: `1.5 GB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : Number(value.toPrecision(2))} ${units[unit]}`;
}

/** A difference: `+0.021`. */
export function signedText(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}

/** With so many digits as are worth reading. */
export function measureText(value: number | undefined, unit: string): string | undefined {
  if (value === undefined) return undefined;
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${unit}`;
}

/** As DICOM writes dates: `20260301`. */
export function dicomDateText(date: string | undefined): string | undefined {
  return date === undefined || !/^\d{8}$/.test(date) ? date : date.replace(/^(....)(..)(..)$/, '$1-$2-$3');
}

const times = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'short' });

/** Local: `2026-03-01 14:05`. */
export function timeText(ms: number): string {
  return times.format(ms);
}

/** `MedicalRecordLocator` as `Medical Record Locator`, `SOPInstanceUID` as `SOP Instance UID`. */
export function keywordText(keyword: string): string {
  return keyword.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2');
}
