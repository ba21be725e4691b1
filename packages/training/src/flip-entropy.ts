/**
 * How unsure a network is, voxel by voxel: the entropy of its mean probabilities over a patch and its mirror images (test-time
 * augmentation: Wang et al. 2019, doi:10.1016/j.neucom.2019.01.103). It is high where the network hesitates and where the
 * mirror images are answered differently.
 */
import type { Triple } from '@consilium/imaging';
import { mirroredAnswers, type PatchNetwork } from './sliding-window.ts';

/**
 * @returns a network with one channel more, `[classes + 1, z, y, x]`: the mean logits, then the entropy as a share of the
 * greatest, 0 to 1.
 */
export function withFlipEntropy(
  network: PatchNetwork,
  { classes, flips, patchSize }: { classes: number; flips: readonly [boolean, boolean, boolean]; patchSize: Triple },
): PatchNetwork {
  return async (patch) => {
    const voxels = patch.length;
    const answer = new Float32Array((classes + 1) * voxels);
    const probabilities = new Float32Array(classes * voxels);
    let images = 1;
    for await (const each of mirroredAnswers(patch, { network, classes, flips, patchSize })) {
      const { logits } = each;
      images = each.images;
      for (let index = 0; index < logits.length; index++) answer[index]! += logits[index]! / images;
      addProbabilities(logits, voxels, probabilities);
    }
    const entropy = answer.subarray(classes * voxels);
    for (let index = 0; index < probabilities.length; index++) {
      const share = probabilities[index]! / images;
      if (share > 0) entropy[index % voxels]! -= (share * Math.log(share)) / Math.log(classes);
    }
    return answer;
  };
}

/** Adds the softmax over channels to `out`. */
function addProbabilities(logits: Float32Array, voxels: number, out: Float32Array): void {
  for (let voxel = 0; voxel < voxels; voxel++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let at = voxel; at < logits.length; at += voxels) largest = Math.max(largest, logits[at]!);
    let sum = 0;
    for (let at = voxel; at < logits.length; at += voxels) sum += Math.exp(logits[at]! - largest);
    for (let at = voxel; at < logits.length; at += voxels) out[at]! += Math.exp(logits[at]! - largest) / sum;
  }
}
