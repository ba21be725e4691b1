"""Records what others make of the real label files: SEG by highdicom and pydicom, RTSTRUCT by matplotlib and plastimatch, NRRD
by SimpleITK. Hashes, counts and geometry only.

    pip install numpy pydicom pylibjpeg pylibjpeg-openjpeg highdicom SimpleITK matplotlib
    apt-get install plastimatch
    python record_labels.py [DATA]

Writes ../src/recorded/labels.json. Masks are [z, y, x], uint8.
"""
import hashlib
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK as sitk
from matplotlib.path import Path as Outline

warnings.simplefilter("ignore")
HERE = Path(__file__).resolve().parent
DATA = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared" / "data"


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:32]


def grid(image):
    return dict(size=image.GetSize(), origin=image.GetOrigin(), spacing=image.GetSpacing(), direction=image.GetDirection())


def nrrds():
    cases = []
    for path in sorted(DATA.glob("dicom/seg/**/*.nrrd")):
        image = sitk.ReadImage(str(path))
        values = sitk.GetArrayFromImage(image)
        cases.append(dict(file=str(path.relative_to(DATA)), **grid(image), voxels=digest(values.astype("<f4"))))
    return cases


def segmentations():
    """By segment: how many pixels, in which planes, and a hash of the pixels plane by plane from low to high."""
    cases = []
    names = [p for p in DATA.glob("dicom/seg/**/*") if p.suffix in (".dcm", ".seg")]
    names += list(DATA.glob("dicom/pydicom/**/liver*.dcm"))
    for path in sorted(names):
        try:
            d = pydicom.dcmread(path)
        except Exception:
            continue
        if d.get("Modality") != "SEG":
            continue
        case = dict(file=str(path.relative_to(DATA)), type=d.SegmentationType)
        try:
            shared = d.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in d else {}
            frames = d.PerFrameFunctionalGroupsSequence
            if "PlanePositionSequence" not in frames[0] and "PlanePositionSequence" not in shared:
                raise KeyError("PlanePositionSequence")
            pixels = d.pixel_array.reshape(-1, d.Rows, d.Columns)
        except Exception as error:
            case["unread"] = type(error).__name__
            cases.append(case)
            continue
        half = d.get("MaximumFractionalValue", 1) / 2 if d.SegmentationType == "FRACTIONAL" else 0.5
        planes = {}
        for frame, stored in zip(frames, pixels):
            get = lambda name: (frame.get(name) or shared.get(name))[0]
            o = np.array(get("PlaneOrientationSequence").ImageOrientationPatient, float)
            p = np.array(get("PlanePositionSequence").ImagePositionPatient, float)
            height = float(np.dot(np.cross(o[:3], o[3:]), p))
            if d.SegmentationType == "LABELMAP":
                found = {int(n): stored == n for n in np.unique(stored) if n}
            else:
                found = {int(get("SegmentIdentificationSequence").ReferencedSegmentNumber): stored >= half}
            for number, mask in found.items():
                if mask.any():
                    planes.setdefault(number, []).append((height, mask))
        case["segments"] = {
            str(number): dict(pixels=int(sum(m.sum() for _, m in items)), masks=digest(np.stack([m for _, m in sorted(items, key=lambda i: i[0])]).astype(np.uint8)))
            for number, items in sorted(planes.items())
        }
        try:
            seg = hd.seg.Segmentation.from_dataset(d)
            case["highdicom"] = [int(n) for n in seg.segment_numbers]
        except Exception as error:
            case["highdicom"] = type(error).__name__
        cases.append(case)
    return cases


def structures():
    """On a grid of 4 mm in the plane and the contours' own planes."""
    path = DATA / "dicom/rt/dicompyler/example_data/rtss.dcm"
    d = pydicom.dcmread(path)
    names = {r.ROINumber: r.ROIName for r in d.StructureSetROISequence}
    size, spacing, origin = (141, 128, 128), (3.0, 4.3, 4.3), (-275.0, -524.0, -251.44)
    grid_ = sitk.Image(size[2], size[1], size[0], sitk.sitkInt16)
    grid_.SetSpacing((spacing[2], spacing[1], spacing[0]))
    grid_.SetOrigin(origin)
    y, x = np.mgrid[0 : size[1], 0 : size[2]]
    centres = np.stack([x.ravel(), y.ravel()], -1)
    masks = {}
    for roi in d.ROIContourSequence:
        mask = np.zeros(size, np.uint8)
        for contour in roi.get("ContourSequence", []):
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            z = (points[:, 2].mean() - origin[2]) / spacing[0]
            assert abs(z - round(z)) < 0.01
            if not 0 <= round(z) < size[0]:
                continue
            flat = (points[:, :2] - origin[:2]) / (spacing[2], spacing[1])
            mask[round(z)] ^= Outline(flat).contains_points(centres).reshape(size[1:]).astype(np.uint8)
        masks[int(roi.ReferencedROINumber)] = mask
    with tempfile.TemporaryDirectory() as folder:
        sitk.WriteImage(grid_, f"{folder}/grid.nrrd")
        subprocess.run(
            ["plastimatch", "convert", "--input", str(path), "--fixed", f"{folder}/grid.nrrd", "--output-prefix", f"{folder}/out", "--prefix-format", "nrrd"],
            check=True,
            capture_output=True,
        )
        peers = {p.stem: int((sitk.GetArrayFromImage(sitk.ReadImage(str(p))) > 0).sum()) for p in Path(folder).glob("out/*.nrrd")}
    cases = []
    for number, mask in masks.items():
        plastimatch = peers.get(names[number].replace(" ", "_"), peers.get(names[number], 0))
        cases.append(dict(number=number, name=names[number], voxels=int(mask.sum()), mask=digest(mask), plastimatch=plastimatch))
    return dict(size=size, spacingMm=spacing, originMm=origin, structures=cases)


def main():
    versions = dict(highdicom=hd.__version__, pydicom=pydicom.__version__, sitk=sitk.Version_VersionString())
    value = dict(versions=versions, nrrd=nrrds(), segmentations=segmentations(), structures=structures())
    (HERE.parent / "src" / "recorded" / "labels.json").write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
