/** Noise that comes again: for tests. */
import { createRandom, NoiseSource } from '@consilium/numerics';

export function seededNoise(seed: number): NoiseSource {
  const random = createRandom(seed, 'noise');
  return new NoiseSource((into) => {
    for (let index = 0; index < into.length; index++) into[index] = random.uint32();
  });
}
