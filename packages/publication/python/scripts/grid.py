"""From a scan to what the network sees, and from its answer back to the scan's voxels: as in training, in NumPy.

Arrays are `[z, y, x]` with z to the head, y to the back and x to the patient's left (MONAI's and NIBabel's `LPS`, axes
reversed). Everything is done axis by axis, in voxels of the image: no world coordinates are needed.
"""

import numpy as np

BODY_HU_MIN = -500.0
PLANE_VOXELS_MIN = 8
SNAP_VOXELS = 1e-5
REACH_VOXELS = 0.75


def normalisation_of(plan, phase=None):
    """`clipHu`, `mean`, `std`: those of a phase of contrast enhancement where the plan has them."""
    normalisation = dict(plan["normalisation"])
    phases = normalisation.pop("phases", {})
    return {**normalisation, **(phases.get(phase, {}) if phase else {})}


def outside_of(plan, phase=None):
    """What air is after normalisation: what lies around an image."""
    normalisation = normalisation_of(plan, phase)
    return np.float32((normalisation["clipHu"][0] - normalisation["mean"]) / normalisation["std"])


def prepare(voxels, spacing_mm, plan, phase=None):
    """Crops the body out of the air, resamples to the plan's spacing, clips and normalises.

    `voxels` `[z, y, x]` HU; `spacing_mm` along the same axes. Returns the prepared image, float32, and its grid: for each
    axis `[voxels of the image, first voxel of the body, voxels of the body, first prepared voxel in voxels of the body,
    prepared spacing over the image's]`, float64 `[3, 5]`, which `restore` takes.
    """
    box = body_box(voxels)
    body = voxels[tuple(slice(start, start + size) for start, size in box)]
    grid, taps = [], []
    for axis, (start, size) in enumerate(box):
        fine, coarse = float(spacing_mm[axis]), float(plan["spacingMm"][axis])
        count = max(1, int(np.floor(size * fine / coarse + 0.5)))
        ratio = coarse / fine
        first = (size - 1) / 2 - (count - 1) / 2 * ratio
        factor = max(1, min(size, int(np.floor(ratio + 1e-3))))
        body = _averaged(body, axis, factor)
        positions = (first + np.arange(count) * ratio - (factor - 1) / 2) / factor
        taps.append(_taps(positions, body.shape[axis]))
        grid.append([voxels.shape[axis], start, size, first, ratio])
    image = _interpolated(body, taps)
    facts = normalisation_of(plan, phase)
    clipped = np.clip(image.astype(np.float64), *facts["clipHu"])
    return ((clipped - facts["mean"]) / facts["std"]).astype(np.float32), np.array(grid, np.float64)


def restore(logits, grid):
    """Class values `[z, y, x]` uint8 on the image's voxels: logits interpolated linearly, then the largest wins.

    `logits` `[c, z, y, x]` on the prepared grid. Background (0) further than three quarters of a prepared voxel outside.
    """
    labels = np.zeros([int(axis[0]) for axis in grid], np.uint8)
    z, y, x = (_fine_taps(axis, count) for axis, count in zip(grid, logits.shape[1:]))
    for target, low, high, weight in zip(*z):
        plane = _blend(logits[:, low].astype(np.float64), logits[:, high].astype(np.float64), weight)
        rows = _blend(plane[:, y[1]], plane[:, y[2]], y[3][None, :, None])
        values = _blend(rows[:, :, x[1]], rows[:, :, x[2]], x[3][None, None, :])
        labels[target][np.ix_(y[0], x[0])] = np.argmax(values, axis=0)
    return labels


def body_box(voxels):
    """`[(start, size)]` of the smallest box that holds the body; the whole image where nothing is denser than air."""
    body = voxels >= BODY_HU_MIN
    box = []
    for axis in range(3):
        counts = body.sum(axis=tuple(other for other in range(3) if other != axis))
        enough = min(PLANE_VOXELS_MIN, int(counts.max()))
        if enough == 0:
            return [(0, size) for size in voxels.shape]
        planes = np.flatnonzero(counts >= enough)
        box.append((int(planes[0]), int(planes[-1] - planes[0] + 1)))
    return box


def turn_towards_lps(affine):
    """How a NIfTI's array `[i, j, k]` becomes `[z, y, x]`: for each of z, y, x which array axis, and whether backwards."""
    steps = np.asarray(affine, np.float64)[:3, :3]
    cosines = (steps / np.linalg.norm(steps, axis=0)) * np.array([[-1.0], [-1.0], [1.0]])
    permutations = [(2, 1, 0), (2, 0, 1), (1, 2, 0), (1, 0, 2), (0, 2, 1), (0, 1, 2)]
    best = max(permutations, key=lambda axes: round(sum(abs(cosines[2 - n, axis]) for n, axis in enumerate(axes)), 9))
    return [(axis, bool(cosines[2 - n, axis] < 0)) for n, axis in enumerate(best)]


def turned(array, turn):
    """`[i, j, k]` to `[z, y, x]`."""
    moved = np.transpose(array, [axis for axis, _ in turn])
    return moved[tuple(slice(None, None, -1 if backwards else 1) for _, backwards in turn)]


def turned_back(array, turn):
    """`[z, y, x]` to `[i, j, k]`."""
    flipped = array[tuple(slice(None, None, -1 if backwards else 1) for _, backwards in turn)]
    return np.transpose(flipped, np.argsort([axis for axis, _ in turn]))


def _averaged(voxels, axis, factor):
    """Means over blocks along an axis where the plan is much coarser; what is left over at the end is dropped."""
    if factor == 1:
        return voxels
    blocks = voxels.shape[axis] // factor
    moved = np.moveaxis(voxels, axis, 0)[: blocks * factor].astype(np.float32)
    summed = np.zeros((blocks, *moved.shape[1:]), np.float32)
    for step in range(factor):
        summed += moved[step::factor]
    return np.moveaxis(summed / np.float32(factor), 0, axis)


def _taps(positions, count):
    nearest = np.floor(positions + 0.5)
    snapped = np.where(np.abs(positions - nearest) < SNAP_VOXELS, nearest, positions)
    clamped = np.clip(snapped, 0, count - 1)
    low = np.floor(clamped).astype(np.int64)
    return low, np.minimum(low + 1, count - 1), clamped - low


def _interpolated(voxels, taps):
    (z0, z1, wz), (y0, y1, wy), (x0, x1, wx) = taps
    out = np.empty((len(z0), len(y0), len(x0)), np.float32)
    for index, (low, high, weight) in enumerate(zip(z0, z1, wz)):
        plane = _blend(voxels[low].astype(np.float64), voxels[high].astype(np.float64), weight)
        rows = _blend(plane[y0], plane[y1], wy[:, None])
        out[index] = _blend(rows[:, x0], rows[:, x1], wx[None, :])
    return out


def _fine_taps(axis, count):
    """Of the image's voxels that lie over the prepared grid: which, and between which prepared voxels."""
    voxels, start, _, first, ratio = axis
    positions = (np.arange(int(voxels)) - start - first) / ratio
    kept = np.flatnonzero((positions >= -REACH_VOXELS) & (positions <= count - 1 + REACH_VOXELS))
    clamped = np.clip(positions[kept], 0, count - 1)
    low = np.floor(clamped).astype(np.int64)
    return kept, low, np.minimum(low + 1, count - 1), clamped - low


def _blend(low, high, weight):
    return low + (high - low) * weight
