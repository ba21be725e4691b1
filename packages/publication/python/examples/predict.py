"""Segments a CT with ONNX Runtime: no PyTorch and no MONAI.

    pip install numpy nibabel onnxruntime
    python predict.py IMAGE.nii.gz SEGMENTATION.nii.gz [PHASE]

PHASE, where it is known: unenhanced, corticomedullary, nephrographic or excretory.
"""

import sys
from pathlib import Path

import nibabel
import numpy as np
import onnxruntime

BUNDLE = Path(__file__).resolve().parent.parent / "monai"
sys.path.insert(0, str(BUNDLE))

from scripts import grid, read_plan, windows  # noqa: E402  (the bundle's, found by the line above)


def segment(image, plan, session, phase=None):
    """Class values `[i, j, k]` uint8 on the voxels of a NIfTI image."""
    turn = grid.turn_towards_lps(image.affine)
    spacing = [np.linalg.norm(np.asarray(image.affine, np.float64)[:3, axis]) for axis, _ in turn]
    voxels = np.ascontiguousarray(grid.turned(np.asarray(image.dataobj, np.float32), turn))
    prepared, where = grid.prepare(voxels, spacing, plan, phase)

    def network(patch):
        return session.run(["logits"], {"image": patch[None, None]})[0][0]

    logits = windows.slide(prepared, network, plan, grid.outside_of(plan, phase))
    return grid.turned_back(grid.restore(logits, where), turn)


def main(source, target, phase=None):
    plan = read_plan(BUNDLE / "configs" / "plan.json")
    session = onnxruntime.InferenceSession(str(BUNDLE / "models" / "model.onnx"), providers=["CPUExecutionProvider"])
    image = nibabel.load(source)
    labels = segment(image, plan, session, phase)
    nibabel.save(nibabel.Nifti1Image(labels, image.affine), target)
    for structure in plan["classes"]:
        millilitres = np.count_nonzero(labels == structure["value"]) * abs(np.linalg.det(image.affine[:3, :3])) / 1000
        print(f"{structure['name']}: {millilitres:.1f} ml")


if __name__ == "__main__":
    main(*sys.argv[1:])
