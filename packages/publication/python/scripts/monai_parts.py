"""The steps of `configs/inference.json` that MONAI's own would do a little differently: its windows stand at multiples of a
step and are cut off at the end, its spacing is centred on the first voxel, and it resamples labels instead of logits."""

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.transforms import MapTransform, Orientation
from nibabel.orientations import aff2axcodes

from . import grid, windows

AXIS_LABELS = (("L", "R"), ("P", "A"), ("I", "S"))
PREPARED, AFFINE = "_prepared_grid", "_original_affine"


class PrepareImaged(MapTransform):
    """`[1, x, y, z]` HU with axes `LPS` to `[1, z, y, x]` as the network sees it. What `RestoreLabelsd` needs goes beside it."""

    def __init__(self, keys, plan, phase=None):
        super().__init__(keys)
        self.plan, self.phase = plan, phase

    def __call__(self, data):
        result = dict(data)
        for key in self.key_iterator(result):
            image = result[key]
            affine = np.asarray(image.affine, np.float64)
            spacing = np.linalg.norm(affine[:3, :3], axis=0)[::-1]
            voxels = np.asarray(image)[0].transpose(2, 1, 0)
            prepared, where = grid.prepare(voxels, spacing, self.plan, self.phase)
            result[key + PREPARED] = torch.from_numpy(np.concatenate([where.ravel(), affine.ravel()]))
            result[key + AFFINE] = torch.as_tensor(np.asarray(image.meta["original_affine"], np.float64))
            result[key] = MetaTensor(torch.from_numpy(prepared)[None], meta={"filename_or_obj": image.meta["filename_or_obj"]})
        return result


class EvenWindowInferer(Inferer):
    """Evenly spread windows with Gaussian weights, one after the other; memory is one patch of the network's."""

    def __init__(self, plan, phase=None):
        self.plan, self.outside = plan, grid.outside_of(plan, phase)

    def __call__(self, inputs, network, *args, **kwargs):
        device = inputs.device

        def of_patch(patch):
            return network(torch.from_numpy(patch)[None, None].to(device)).float().cpu().numpy()[0]

        images = np.asarray(inputs.detach().cpu(), np.float32)
        with torch.no_grad():
            logits = [windows.slide(image[0], of_patch, self.plan, self.outside) for image in images]
        return torch.from_numpy(np.stack(logits))


class RestoreLabelsd(MapTransform):
    """Logits `[c, z, y, x]` to classes `[1, i, j, k]` on the voxels of the file that was loaded, whatever its orientation."""

    def __init__(self, keys, image_key="image"):
        super().__init__(keys)
        self.image_key = image_key

    def __call__(self, data):
        result = dict(data)
        for key in self.key_iterator(result):
            facts = np.asarray(result[self.image_key + PREPARED], np.float64)
            labels = grid.restore(np.asarray(result[key], np.float32), facts[:15].reshape(3, 5))
            voxels = torch.from_numpy(labels.transpose(2, 1, 0).copy())[None]
            oriented = MetaTensor(voxels, affine=torch.from_numpy(facts[15:].reshape(4, 4)))
            original = np.asarray(result[self.image_key + AFFINE])
            axes = "".join(aff2axcodes(original))
            turned = Orientation(axcodes=axes, labels=AXIS_LABELS)(oriented)
            result[key] = MetaTensor(torch.as_tensor(np.asarray(turned, np.uint8)), affine=torch.from_numpy(original))
            result[key].meta["filename_or_obj"] = result[self.image_key].meta["filename_or_obj"]
        return result

