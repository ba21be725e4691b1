"""A network over an image larger than its patch: evenly spread windows, averaged with Gaussian weights."""

import itertools

import numpy as np

SIGMA_OF_PATCH = 1 / 8


def slide(image, network, plan, outside):
    """Logits `[c, z, y, x]` float32 of a prepared image `[z, y, x]`.

    `network` takes a patch `[z, y, x]` float32 and returns logits `[c, z, y, x]`. `outside` is what lies around the image.
    """
    patch_size = plan["patchSize"]
    axes = [_axis(size, patch, plan["inference"]["overlap"]) for size, patch in zip(image.shape, patch_size)]
    logits = np.zeros((plan["network"]["classes"], *image.shape), np.float32)
    for places in itertools.product(*axes):
        patch = np.full(patch_size, outside, np.float32)
        inside = tuple(slice(start, end) for start, end, _, _ in places)
        in_patch = tuple(slice(first, first + end - start) for start, end, first, _ in places)
        patch[in_patch] = image[inside]
        answer = _over_flips(patch, network, plan)[(slice(None), *in_patch)]
        z, y, x = (share for _, _, _, share in places)
        shares = (z[:, None] * y)[:, :, None] * x
        logits[(slice(None), *inside)] = logits[(slice(None), *inside)] + shares * answer.astype(np.float64)
    return logits


def _axis(size, patch, overlap):
    """For each window `(start, end, first voxel of the patch, shares)`; the shares at a voxel of the image sum to 1."""
    if patch >= size:
        starts = [-((patch - size) // 2)]
    else:
        steps = int(np.ceil((size - patch) / max(1, patch * (1 - overlap))))
        starts = [int(np.floor(index * (size - patch) / steps + 0.5)) for index in range(steps + 1)]
    middle, sigma = (patch - 1) / 2, patch * SIGMA_OF_PATCH
    weights = np.exp(-((np.arange(patch) - middle) ** 2) / (2 * sigma * sigma))
    sums, places = np.zeros(size), []
    for start in starts:
        begin, end = max(0, start), min(size, start + patch)
        sums[begin:end] += weights[begin - start : end - start]
        places.append((begin, end, begin - start))
    return [(begin, end, first, weights[first : first + end - begin] / sums[begin:end]) for begin, end, first in places]


def _over_flips(patch, network, plan):
    """The mean of the answers to the patch and its mirror images, each mirrored back; the plan says along which axes."""
    flips = plan["augmentation"]["flips"] if plan["inference"]["flips"] else [False] * 3
    axes = [axis for axis in range(3) if flips[axis]]
    if not axes:
        return network(patch)
    combinations = [[axis for bit, axis in enumerate(axes) if number >> bit & 1] for number in range(2 ** len(axes))]
    total = 0.0
    for mirrored in combinations:
        answer = network(np.ascontiguousarray(np.flip(patch, mirrored)))
        total = total + np.flip(answer, [axis + 1 for axis in mirrored]) / np.float32(len(combinations))
    return total
