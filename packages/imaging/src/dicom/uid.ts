/** DICOM UIDs that follow from names, so that the same study gets the same UIDs on every machine. */
import { createRandom, type RandomKey } from '@consilium/numerics';

/** Under the root 2.25 (PS3.5 B.2), from 128 pseudo-random bits: at most 44 characters. */
export function uidOf(...keys: readonly [RandomKey, ...RandomKey[]]): string {
  const random = createRandom('dicom-uid', ...keys);
  let number = 0n;
  for (let word = 0; word < 4; word++) number = (number << 32n) | BigInt(random.uint32());
  return `2.25.${number}`;
}
