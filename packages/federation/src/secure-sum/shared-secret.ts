/**
 * A secret in shares: so many of them give it back, and fewer say nothing (Shamir 1979), over the field of 256 elements,
 * byte by byte. Whoever gathers shares knows how to recognise the secret, so that wrong shares are passed over. The library
 * draws its polynomials from the platform's generator itself: what a site keeps of them is what it said, not a seed.
 */
import { combine, split } from 'shamir-secret-sharing';

/** One share for each holder. */
export async function sharesOf(
  secret: Uint8Array,
  { holders, threshold }: { readonly holders: number; readonly threshold: number },
): Promise<Uint8Array[]> {
  return split(secret, holders, threshold);
}

/** Wrong shares are looked for among this many choices. */
const choicesMax = 500;

/** null if no choice of `threshold` shares gives a secret that is right. */
export async function secretOf(
  shares: readonly Uint8Array[],
  { threshold, bytes, isRight }: { threshold: number; bytes: number; isRight: (secret: Uint8Array) => boolean },
): Promise<Uint8Array | null> {
  const usable = shares.filter((share) => share.length === bytes + 1);
  let tried = 0;
  for (const chosen of choices(usable, threshold)) {
    if (++tried > choicesMax) return null;
    // A share that was copied from another is one too few.
    const secret = await combine(chosen.map((share) => Uint8Array.from(share))).catch(() => null);
    if (secret !== null && isRight(secret)) return secret;
  }
  return null;
}

/** Every choice of `count` items, those nearest to the first `count` first. */
function* choices<T>(items: readonly T[], count: number): Generator<readonly T[]> {
  if (count === 0) yield [];
  else if (items.length >= count) {
    for (let last = count - 1; last < items.length; last++) {
      for (const rest of choices(items.slice(0, last), count - 1)) yield [...rest, items[last]!];
    }
  }
}
