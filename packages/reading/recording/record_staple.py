"""Records what SimpleITK makes of random readers: STAPLE's probabilities and the readers' sensitivity and specificity.

Run with SimpleITK 2.5 and numpy: python packages/reading/recording/record_staple.py
"""
import base64
import json
import pathlib

import numpy as np
import SimpleITK as sitk

rng = np.random.default_rng(20260301)


def ball(shape, centre, radius):
    grid = np.indices(shape).astype(float)
    return sum((grid[axis] - centre[axis]) ** 2 for axis in range(3)) <= radius**2


def case(shape, readers, noise):
    truth = ball(shape, [n / 2 for n in shape], min(shape) / 3.2)
    masks = []
    for reader in range(readers):
        flips = rng.random(shape) < noise * (reader + 1)
        moved = np.roll(truth, reader % 2, axis=2)
        masks.append(np.logical_xor(moved, flips).astype(np.uint8))
    staple = sitk.STAPLEImageFilter()
    staple.SetForegroundValue(1)
    probability = sitk.GetArrayFromImage(staple.Execute([sitk.GetImageFromArray(mask) for mask in masks]))
    return {
        "size": list(shape),
        "masks": [base64.b64encode(mask.tobytes()).decode() for mask in masks],
        "probability": base64.b64encode(probability.astype("<f8").tobytes()).decode(),
        "sensitivity": list(staple.GetSensitivity()),
        "specificity": list(staple.GetSpecificity()),
        "iterations": staple.GetElapsedIterations(),
    }


def main():
    cases = [case((6, 8, 10), 3, 0.02), case((5, 7, 6), 2, 0.03), case((6, 7, 8), 5, 0.04)]
    path = pathlib.Path(__file__).parent.parent / "src" / "recorded" / "staple.json"
    path.write_text(json.dumps({"simpleitk": sitk.Version_VersionString(), "cases": cases}) + "\n")


main()
