/** Words for comparison, whatever their case and accents. */

/** Lower case without accents; `ß` as `ss`. */
export function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss').replaceAll('ø', 'o');
}
