/**
 * The phase of contrast enhancement of a CT of the kidneys, guessed from the words of a series, and checked against how
 * bright the kidneys are where a segmentation shows them. A guess: a person can say otherwise.
 */

/** In order of time. */
export type Phase = 'unenhanced' | 'corticomedullary' | 'nephrographic' | 'excretory';

/** English, German, French, Spanish and Italian, as technologists write them. The first that matches is taken. */
const words: readonly (readonly [Phase, RegExp])[] = [
  [
    'unenhanced',
    /(?<![a-z])(?:nati[vf]|plain|unenh|non[- ]?(?:enh|con|ce\b|kontrast)|without|w\/?o(?![a-z])|pre[- ]?con|ohne|sans|senza|sin contraste|nc(?![a-z])|nect(?![a-z]))/i,
  ],
  ['corticomedullary', /cortico|kortiko|(?<![a-z])(?:late )?art(?![a-z])|arteri|(?<![a-z])cmp?(?![a-z])|angio/i],
  [
    'nephrographic',
    /nephro|parench|parenchym|portal|portov|ven(?:ous|ös|os|euse|osa)|(?<![a-z])(?:pv|pvp|ven|ng|ngp)(?![a-z])|(?<![\d.])(?:60|65|70|75|80|90|100) ?s(?:ec)?(?![a-z])/i,
  ],
  [
    'excretory',
    /excret|exkret|urogra|uropha|pyelo|delay|(?<![a-z])(?:late|del|ex|spät|tard)(?![a-z])|tardiv|(?<![\d.])(?:[3-9]|1\d|20) ?min/i,
  ],
];

export function phaseOfWords(text: string): Phase | undefined {
  return words.find(([, pattern]) => pattern.test(text))?.[0];
}

/**
 * Unenhanced kidneys have 30 to 50 HU and enhanced ones above 90, whatever the phase; which of the later phases it is
 * depends on cortex against medulla, dose and tube voltage too much to be told from a mean.
 */
const enhancedHuMin = 65;

export interface PhaseVerdict {
  readonly phase: Phase | undefined;
  readonly source: 'description' | 'labels' | undefined;
  /** The words say one thing and the kidneys another. */
  readonly contradicts: boolean;
}

/** @param kidneyHu the median of the kidneys' voxels, without masses, where they are segmented. */
export function phaseVerdict(described: Phase | undefined, kidneyHu: number | undefined): PhaseVerdict {
  const source = described === undefined ? undefined : 'description';
  if (kidneyHu === undefined) return { phase: described, source, contradicts: false };
  if (kidneyHu < enhancedHuMin) {
    const contradicts = described !== undefined && described !== 'unenhanced';
    return { phase: 'unenhanced', source: 'labels', contradicts };
  }
  if (described === 'unenhanced') return { phase: undefined, source: undefined, contradicts: true };
  return { phase: described, source, contradicts: false };
}
