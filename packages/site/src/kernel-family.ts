/**
 * What kind of reconstruction kernel a name stands for. Convolution Kernel (0018,1210) is the vendor's own word (DICOM PS3.3
 * section C.8.2.1), and a rare one could point to a scanner; so a site tells one of four families.
 *
 * - Siemens: letters and a number that grows with sharpness (`B30f`, `Br40d3`): below 30 soft, 30 to 49 standard, above sharp,
 *   as its operating instructions recommend B30 and B40 as standard, B20 and B10 as softer, B50 and above for sharpness.
 * - Philips: `A` soft, `B` standard, `C` to `L` and what begins with `Y` sharp.
 * - Canon and Toshiba: `FC01` to `FC29` (body and head) standard, above (bone, lung) sharp.
 * - Others, GE among them: by a word in the name. A name that fits nowhere is unknown, not standard.
 */
export type KernelFamily = 'soft' | 'standard' | 'sharp' | 'unknown';

const words = [
  ['sharp', /sharp|bone|lung|edge|detail|chest|ultra/],
  ['soft', /soft|smooth/],
  ['standard', /standard|stnd|\bstd\b|medium/],
] as const;

/** undefined: the header says nothing. */
export function kernelFamilyOf(name: string | undefined): KernelFamily | undefined {
  // Several values: the kernel, then what was done afterwards.
  const kernel = (name ?? '').split('\\')[0]!.trim().toLowerCase();
  if (kernel === '') return undefined;
  const word = kernel.split(/\s/)[0]!;
  const canon = /^fc(\d\d)/.exec(word)?.[1];
  if (canon !== undefined) return Number(canon) < 30 ? 'standard' : 'sharp';
  const siemens = /^[a-z]{1,2}(\d\d)[a-z]?\d?$/.exec(word)?.[1];
  if (siemens !== undefined) return Number(siemens) < 30 ? 'soft' : Number(siemens) < 50 ? 'standard' : 'sharp';
  if (/^[a-l]$/.test(word)) return word === 'a' ? 'soft' : word === 'b' ? 'standard' : 'sharp';
  if (/^y[a-z]?$/.test(word)) return 'sharp';
  return words.find(([, pattern]) => pattern.test(kernel))?.[0] ?? 'unknown';
}
