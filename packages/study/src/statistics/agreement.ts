/** Agreement of several measurements of the same cases: volumes by two readers, minutes in two phases. */

export interface BlandAltman {
  /** Mean of second less first. */
  readonly bias: number;
  readonly deviation: number;
  /** 95 % of differences lie between, if they are normal: bias ∓ 1.96 deviations (Bland and Altman 1986). */
  readonly limits: readonly [number, number];
  readonly pairs: number;
}

export function blandAltman(pairs: readonly (readonly [number, number])[]): BlandAltman {
  const differences = pairs.map(([first, second]) => second - first);
  const bias = mean(differences);
  const squares = differences.reduce((sum, value) => sum + (value - bias) ** 2, 0);
  const deviation = Math.sqrt(squares / (differences.length - 1));
  return { bias, deviation, limits: [bias - 1.96 * deviation, bias + 1.96 * deviation], pairs: pairs.length };
}

export interface IntraclassCorrelation {
  /** ICC(2,1): raters are a sample of raters, and their levels count (absolute agreement). */
  readonly agreement: number;
  /** ICC(3,1): these raters and no others; one who always measures more does not lower it. */
  readonly consistency: number;
}

/**
 * Shrout and Fleiss (1979), of single measurements.
 * @param ratings `[case, rater]`, none missing; at least two of each
 */
export function intraclassCorrelation(ratings: readonly (readonly number[])[]): IntraclassCorrelation {
  const cases = ratings.length;
  const raters = ratings[0]!.length;
  const all = mean(ratings.flat());
  const ofCases = raters * squaresAbout(ratings.map(mean), all);
  const raterMeans = ratings[0]!.map((_, rater) => mean(ratings.map((row) => row[rater]!)));
  const ofRaters = cases * squaresAbout(raterMeans, all);
  const ofErrors = squaresAbout(ratings.flat(), all) - ofCases - ofRaters;
  const between = ofCases / (cases - 1);
  const rater = ofRaters / (raters - 1);
  const error = ofErrors / ((cases - 1) * (raters - 1));
  return {
    agreement: (between - error) / (between + (raters - 1) * error + (raters * (rater - error)) / cases),
    consistency: (between - error) / (between + (raters - 1) * error),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function squaresAbout(values: readonly number[], centre: number): number {
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
}
