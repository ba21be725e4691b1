/** What the header of a series says of its acquisition, in the same words whoever made the scanner. */
import type { InstanceHeader } from '../store/instance-header.ts';
import type { Phase } from './phase-guess.ts';
import { phaseOfWords } from './phase-guess.ts';

export interface HeaderFacts {
  readonly vendor: string | undefined;
  readonly kernel: string | undefined;
  readonly kvp: number | undefined;
  readonly hasContrast: boolean | undefined;
  readonly sliceThicknessMm: number | undefined;
  readonly phase: Phase | undefined;
}

const vendors: readonly (readonly [string, RegExp])[] = [
  ['Siemens', /siemens/i],
  ['GE', /^ge\b|general electric/i],
  ['Philips', /philips|marconi|elscint/i],
  // Canon bought Toshiba's scanners in 2016, Fujifilm Hitachi's in 2021.
  ['Canon', /canon|toshiba/i],
  ['Fujifilm', /fuji|hitachi/i],
  ['United Imaging', /united imaging|\buih\b/i],
  ['Neusoft', /neusoft/i],
];

export function headerFactsOf({ attributes }: InstanceHeader): HeaderFacts {
  const text = (keyword: string): string | undefined => attributes.get(keyword)?.join(' ').trim() || undefined;
  const positive = (keyword: string): number | undefined => {
    const number = Number(attributes.get(keyword)?.[0]);
    return number > 0 && Number.isFinite(number) ? number : undefined;
  };
  const manufacturer = text('Manufacturer');
  const hasContrast = contrastOf(text('ContrastBolusAgent'), text('Modality'));
  const words = ['SeriesDescription', 'ProtocolName', 'ImageComments'].map(text).join(' ');
  return {
    vendor: manufacturer && (vendors.find(([, pattern]) => pattern.test(manufacturer))?.[0] ?? manufacturer),
    kernel: text('ConvolutionKernel'),
    kvp: positive('KVP'),
    hasContrast,
    sliceThicknessMm: positive('SliceThickness'),
    phase: phaseOfWords(words),
  };
}

/** Scanners leave the agent empty or out where none was given; where it is stated as none, that is known. */
function contrastOf(agent: string | undefined, modality: string | undefined): boolean | undefined {
  if (agent === undefined) return modality === 'CT' ? false : undefined;
  return !/^(?:no|none|non[- ]?contrast|without|0|w\/?o.*|ohne.*|nativ)$/i.test(agent);
}
