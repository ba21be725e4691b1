"""The peers of resample.ts: resample each time they are asked; print milliseconds of CPU and a checksum as JSON lines."""
import json
import math
import sys
import time

import numpy as np

SIZE, SPACING = (100, 512, 512), (3.0, 0.75, 0.75)
VOXELS = (((np.arange(np.prod(SIZE), dtype=np.int64) * 7919) % 3000) - 1000).astype(np.int16).reshape(SIZE)
NEW_SIZE = [round(n * s / 1.5) for n, s in zip(SIZE, SPACING)]
FIRST = [(n - 1) / 2 * s - (m - 1) / 2 * 1.5 for n, s, m in zip(SIZE, SPACING, NEW_SIZE)]
C, S = math.cos(0.1), math.sin(0.1)


def simpleitk():
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    image = sitk.GetImageFromArray(VOXELS)
    image.SetSpacing(SPACING[::-1])

    def resample(what):
        grid = sitk.Image(NEW_SIZE[::-1], sitk.sitkUInt8)
        grid.SetSpacing((1.5, 1.5, 1.5))
        grid.SetOrigin(FIRST[::-1])
        if what == "turned":
            grid.SetDirection((C, -S, 0, S, C, 0, 0, 0, 1))
        result = sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
        return sitk.GetArrayFromImage(result)

    return resample


def scipy():
    from scipy import ndimage

    def resample(what):
        out = np.empty(NEW_SIZE, np.float32)
        turn = np.eye(3) if what == "aligned" else np.array([[1, 0, 0], [0, C, S], [0, -S, C]])
        matrix = np.diag(1 / np.array(SPACING)) @ turn * 1.5
        offset = np.array(FIRST) / SPACING
        ndimage.affine_transform(VOXELS, matrix, offset, output_shape=tuple(NEW_SIZE), output=out, order=1, mode="nearest")
        return out

    return resample


resample = {"simpleitk": simpleitk, "scipy": scipy}[sys.argv[1]]()
print("ready", flush=True)
for line in sys.stdin:
    start = time.process_time()
    result = resample(line.strip())
    ms = (time.process_time() - start) * 1000
    print(json.dumps(dict(ms=ms, mean=float(result.reshape(-1)[::997].mean()))), flush=True)
