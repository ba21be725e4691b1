/** p-values of several comparisons made at once, adjusted: an adjusted p below α is significant at α for all together. */

/** Holm (1979): the chance of even one false claim is at most α, whatever depends on what. In the order given. */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const order = ascending(pValues);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]!));
    adjusted[index] = largest;
  });
  return adjusted;
}

/** Benjamini and Hochberg (1995): of what is claimed, a share of at most α is false on average. In the order given. */
export function benjaminiHochbergAdjusted(pValues: readonly number[]): number[] {
  const order = ascending(pValues).reverse();
  const adjusted = new Array<number>(pValues.length);
  let smallest = 1;
  order.forEach((index, fromEnd) => {
    smallest = Math.min(smallest, (pValues.length * pValues[index]!) / (pValues.length - fromEnd));
    adjusted[index] = smallest;
  });
  return adjusted;
}

function ascending(pValues: readonly number[]): number[] {
  return [...pValues.keys()].sort((one, other) => pValues[one]! - pValues[other]! || one - other);
}
