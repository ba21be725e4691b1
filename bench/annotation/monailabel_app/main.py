"""A MONAI Label app with two networks that proposal.ts wrote: one that draws, and one that is clicked on as DeepEdit is.

Transforms are those of MONAI Label's sample app "radiology" (segmentation_spleen.py, deepedit.py), with the sizes,
spacings and intensities of the bundles' plans.
"""

import os
from typing import Dict

from monai.apps.deepedit.transforms import (
    AddGuidanceFromPointsDeepEditd,
    AddGuidanceSignalDeepEditd,
    ResizeGuidanceMultipleLabelDeepEditd,
)
from monai.inferers import SimpleInferer, SlidingWindowInferer
from monai.transforms import (
    Activationsd,
    AsDiscreted,
    EnsureChannelFirstd,
    EnsureTyped,
    LoadImaged,
    Orientationd,
    Resized,
    ScaleIntensityRanged,
    Spacingd,
    SqueezeDimd,
    ToNumpyd,
)
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.tasks.infer.basic_infer import BasicInferTask
from monailabel.transform.post import Restored
from network import load


def intensities(plan):
    normalisation = plan["normalisation"]
    low, high = normalisation["clipHu"]
    mean, std = normalisation["mean"], normalisation["std"]
    return ScaleIntensityRanged(
        keys="image", a_min=low, a_max=high, b_min=(low - mean) / std, b_max=(high - mean) / std, clip=True
    )


class Automatic(BasicInferTask):
    def __init__(self, folder, labels):
        network, self.plan = load(folder)
        super().__init__(
            path=None, network=network, type=InferType.SEGMENTATION, labels=labels, dimension=3, description="draws"
        )

    def pre_transforms(self, data=None):
        return [
            LoadImaged(keys="image"),
            EnsureTyped(keys="image", device=data.get("device") if data else None),
            EnsureChannelFirstd(keys="image"),
            Orientationd(keys="image", axcodes="RAS"),
            # The plan's are z, y, x.
            Spacingd(keys="image", pixdim=self.plan["spacingMm"][::-1], allow_missing_keys=True),
            intensities(self.plan),
        ]

    def inferer(self, data=None):
        overlap = self.plan["inference"]["overlap"]
        return SlidingWindowInferer(
            roi_size=self.plan["patchSize"][::-1], sw_batch_size=1, overlap=overlap, mode="gaussian"
        )

    def inverse_transforms(self, data=None):
        return []

    def post_transforms(self, data=None):
        return [
            EnsureTyped(keys="pred", device=data.get("device") if data else None),
            Activationsd(keys="pred", softmax=True),
            AsDiscreted(keys="pred", argmax=True),
            ToNumpyd(keys="pred"),
            Restored(keys="pred", ref_image="image"),
        ]


class Clicks(BasicInferTask):
    def __init__(self, folder, labels):
        network, self.plan = load(folder)
        super().__init__(
            path=None, network=network, type=InferType.DEEPEDIT, labels=labels, dimension=3, description="is clicked on"
        )

    def pre_transforms(self, data=None):
        return [
            LoadImaged(keys="image", reader="ITKReader", image_only=False),
            EnsureChannelFirstd(keys="image"),
            Orientationd(keys="image", axcodes="RAS"),
            intensities(self.plan),
            AddGuidanceFromPointsDeepEditd(ref_image="image", guidance="guidance", label_names=self.labels),
            Resized(keys="image", spatial_size=self.plan["patchSize"][::-1], mode="area"),
            ResizeGuidanceMultipleLabelDeepEditd(guidance="guidance", ref_image="image"),
            AddGuidanceSignalDeepEditd(keys="image", guidance="guidance", number_intensity_ch=1),
            EnsureTyped(keys="image", device=data.get("device") if data else None),
        ]

    def inferer(self, data=None):
        return SimpleInferer()

    def inverse_transforms(self, data=None):
        return []

    def post_transforms(self, data=None):
        return [
            EnsureTyped(keys="pred", device=data.get("device") if data else None),
            Activationsd(keys="pred", softmax=True),
            AsDiscreted(keys="pred", argmax=True),
            SqueezeDimd(keys="pred", dim=0),
            ToNumpyd(keys="pred"),
            Restored(keys="pred", ref_image="image"),
        ]


class Bench(MONAILabelApp):
    def __init__(self, app_dir, studies, conf):
        super().__init__(app_dir=app_dir, studies=studies, conf=conf, name="bench", description="bench", version="1")

    def init_infers(self) -> Dict[str, InferTask]:
        models = os.environ["BENCH_MODELS"]
        return {
            "automatic": Automatic(f"{models}/automatic", {"kidney": 1, "tumour": 2}),
            "clicks": Clicks(f"{models}/clicks", {"kidney": 1, "tumour": 2, "background": 0}),
        }
