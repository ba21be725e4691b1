"""Records where SimpleITK says the real series lie and what voxels it finds in them; of enhanced files, pydicom's frames.

    pip install numpy SimpleITK pydicom pylibjpeg pylibjpeg-openjpeg
    python record_volumes.py [DATA]

Writes ../src/recorded/volumes.json: hashes and geometry only. Voxels are [z, y, x] float32, little endian; of a CT at least
-1024, as our reader has them.
"""
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

HERE = Path(__file__).resolve().parent
DATA = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared" / "data"


def digest(voxels, modality):
    values = voxels.astype("<f4")
    return hashlib.sha256((np.maximum(values, -1024) if modality == "CT" else values).tobytes()).hexdigest()[:32]


def height(path):
    d = pydicom.dcmread(path, stop_before_pixels=True)
    o = np.array(d.ImageOrientationPatient, float)
    return float(np.dot(np.cross(o[:3], o[3:]), np.array(d.ImagePositionPatient, float)))


def series(name, pattern, numbers=None):
    paths = sorted(p for p in (DATA / name).glob(pattern) if numbers is None or int(p.stem) in numbers)
    paths.sort(key=height)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(p) for p in paths])
    image = reader.Execute()
    first, last = (pydicom.dcmread(p, stop_before_pixels=True) for p in (paths[0], paths[-1]))
    return dict(
        name=name,
        files=[p.name for p in paths],
        size=image.GetSize(),
        origin=image.GetOrigin(),
        spacing=image.GetSpacing(),
        direction=image.GetDirection(),
        lastPosition=[float(v) for v in last.ImagePositionPatient],
        voxels=digest(sitk.GetArrayFromImage(image), first.Modality),
    )


def group(frame, shared, name):
    return (frame.get(name) or shared.get(name))[0]


def enhanced(name, key):
    """Frames by what tells them apart, each sorted by place."""
    d = pydicom.dcmread(DATA / name)
    shared = d.SharedFunctionalGroupsSequence[0]
    stacks = {}
    for frame, stored in zip(d.PerFrameFunctionalGroupsSequence, d.pixel_array):
        o = np.array(group(frame, shared, "PlaneOrientationSequence").ImageOrientationPatient, float)
        p = np.array(group(frame, shared, "PlanePositionSequence").ImagePositionPatient, float)
        values = group(frame, shared, "PixelValueTransformationSequence")
        measured = stored.astype(np.float64) * float(values.RescaleSlope) + float(values.RescaleIntercept)
        stacks.setdefault(key(frame), []).append((float(np.dot(np.cross(o[:3], o[3:]), p)), p, measured))
    result = []
    for frames in stacks.values():
        frames.sort(key=lambda f: f[0])
        voxels = digest(np.stack([f[2] for f in frames]), d.Modality)
        result.append(dict(first=list(frames[0][1]), last=list(frames[-1][1]), slices=len(frames), voxels=voxels))
    return dict(name=name, stacks=result)


def main():
    all_series = [
        series("ct/ge_gantry_tilt", "*.dcm", range(1, 15)),
        series("ct/ge_gantry_tilt", "*.dcm", range(15, 29)),
        series("ct/totalsegmentator/example_ct_dicom", "CT*"),
        series("dicom/seg/dcmqi/segmentations/ct-3slice", "*.dcm"),
        series("dicom/seg/dcmqi/segmentations/23x38x3/image", "*.dcm"),
        series("dicom/seg/dcmqi/segmentations/24x38x3/image", "*.dcm"),
        series("dicom/pydicom/test_files/dicomdirtests/98892001/CT5N", "*"),
    ]
    philips = enhanced(
        "dicom/enhanced/dcm_qa_enh/Philips/IM_0027_fMAP.dcm",
        lambda f: str(f.MRImageFrameTypeSequence[0].FrameType),
    )
    others = [enhanced(f"dicom/enhanced/dcm_qa_enh/Siemens/XA10/6_{i}.dcm", lambda f: 0) for i in (1, 2, 3, 4)]
    others += [enhanced(f"dicom/seg/dcmqi/segmentations/{n}/multiframe/mf.dcm", lambda f: 0) for n in ("23x38x3", "24x38x3")]
    value = dict(
        versions=dict(sitk=sitk.Version_VersionString(), pydicom=pydicom.__version__),
        series=all_series,
        enhanced=[philips, *others],
    )
    (HERE.parent / "src" / "recorded" / "volumes.json").write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
