/**
 * Which patients are trained on, which choose the model, and which are kept for the one final test. By patient and not
 * by image, fixed before training, and a pure function of the seed, the site and its patients: a pooled site that holds
 * several hospitals' data splits each as the hospital itself does.
 */
import { createRandom } from '@consilium/numerics';
import type { SiteId, Split } from '@consilium/protocol';

const validationShare = 0.15;
const testShare = 0.25;

/**
 * About 60 % train, 15 % validation, 25 % test; of three patients or more at least one each, of two one to train and one
 * to test, a single one to train. The order of `patients` does not matter.
 */
export function splitPatients(seed: number, siteId: SiteId, patients: ReadonlySet<string>): ReadonlyMap<string, Split> {
  const shuffled = createRandom(seed, 'split', siteId).shuffle([...patients].sort());
  const test = shuffled.length < 2 ? 0 : Math.max(1, Math.round(testShare * shuffled.length));
  const validation = shuffled.length < 3 ? 0 : Math.max(1, Math.round(validationShare * shuffled.length));
  return new Map(
    shuffled.map((patient, index) => [
      patient,
      index < test ? 'test' : index < test + validation ? 'validation' : 'train',
    ]),
  );
}
