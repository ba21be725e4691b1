"""Records what other libraries say, for the tests of this package.

    pip install numpy scipy nibabel SimpleITK surface-distance pydicom
    python record.py [DATA]

Writes ../src/recorded/*.json. DATA (default: shared/data beside the repository) holds the real DICOM series.
Arrays are [z, y, x], base64 of little-endian bytes.
"""
import base64
import gzip
import json
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import scipy
import scipy.ndimage
import SimpleITK as sitk

if not hasattr(np, "Inf"):  # surface-distance 0.1 predates numpy 2
    np.Inf = np.inf
if not hasattr(scipy.ndimage, "filters"):
    scipy.ndimage.filters = scipy.ndimage
if not hasattr(scipy.ndimage, "morphology"):
    scipy.ndimage.morphology = scipy.ndimage
import surface_distance
from surface_distance import lookup_tables

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "src" / "recorded"
DATA = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared" / "data"


def pack(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def write(name, value):
    OUT.mkdir(exist_ok=True)
    (OUT / name).write_text(json.dumps(value, indent=1) + "\n")


def blobs(rng, size, smooth, level):
    field = scipy.ndimage.gaussian_filter(rng.standard_normal(size), smooth)
    return field > np.quantile(field, level)


def versions(*modules):
    return {m.__name__: getattr(m, "__version__", "0.1") for m in modules}


def metrics():
    rng = np.random.default_rng(1)
    cases = []
    for index, (size, spacing) in enumerate(
        [((9, 10, 11), (1, 1, 1)), ((8, 14, 12), (3.0, 0.8, 0.7)), ((12, 9, 16), (0.5, 2.0, 1.25)), ((7, 8, 9), (5.0, 0.66, 0.66))]
    ):
        a = blobs(rng, size, 1.2, 0.7)
        b = a ^ blobs(rng, size, 0.8, 0.93) if index != 2 else blobs(rng, size, 1.2, 0.8)
        d = surface_distance.compute_surface_distances(a, b, spacing)
        edt = scipy.ndimage.distance_transform_edt(~a, sampling=spacing)
        components = {
            str(c): [int(n), pack(l.astype("<i4"))]
            for c, rank in ((6, 1), (18, 2), (26, 3))
            for l, n in [scipy.ndimage.label(b, scipy.ndimage.generate_binary_structure(3, rank))]
        }
        cases.append(
            dict(
                size=size,
                spacingMm=spacing,
                a=pack(a.astype(np.uint8)),
                b=pack(b.astype(np.uint8)),
                dice=surface_distance.compute_dice_coefficient(a, b),
                surfaceDice={str(t): surface_distance.compute_surface_dice_at_tolerance(d, t) for t in (0.3, 1.0, 2.0, 3.3)},
                hausdorff95=surface_distance.compute_robust_hausdorff(d, 95),
                areaA=float(d["surfel_areas_gt"].sum()),
                distanceToA=pack(edt.astype("<f8")),
                components=components,
            )
        )
    areas = [
        dict(spacingMm=s, areas=lookup_tables.create_table_neighbour_code_to_surface_area(s).tolist())
        for s in ((1, 1, 1), (3, 0.8, 0.7), (0.5, 2, 1.25))
    ]
    write("metrics.json", dict(versions=versions(np, scipy), cases=cases, areas=areas))


def nifti():
    rng = np.random.default_rng(2)
    rotation = sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.7)
    r = np.array(rotation.GetMatrix()).reshape(3, 3)
    affines = {
        "ras": np.diag([1.5, 0.75, 3, 1]),
        "las": np.array([[-0.78125, 0, 0, 180.5], [0, 0.78125, 0, -170.25], [0, 0, 5, -800], [0, 0, 0, 1]]),
        "permuted": np.array([[0, 0, -3, 10], [0.7, 0, 0, 20], [0, -0.9, 0, 30], [0, 0, 0, 1.0]]),
        "oblique": nibabel.affines.from_matvec(r @ np.diag([0.8, 1.1, 2.5]), [-20, 33, 7]),
        "sheared": nibabel.affines.from_matvec(r @ np.array([[1, 0.2, 0], [0, 1, 0.3], [0, 0, 2]]), [1, 2, 3]),
    }
    cases = []

    def add(name, raw):
        loaded = nibabel.load(on_disk(raw))
        values = np.asarray(loaded.get_fdata(dtype=np.float64))
        try:
            sitk_grid = grid(sitk.ReadImage(str(on_disk(raw))))
        except RuntimeError:  # SimpleITK does not read nibabel's NIfTI-2
            sitk_grid = None
        cases.append(
            dict(
                name=name,
                file=base64.b64encode(gzip.compress(raw, mtime=0)).decode(),
                affine=loaded.affine.tolist(),
                shape=loaded.shape,
                values=pack(values.transpose(2, 1, 0).astype("<f8")),
                sitk=sitk_grid,
            )
        )

    scratch = tempfile.mkdtemp()

    def on_disk(raw):
        path = Path(scratch) / "x.nii"
        path.write_bytes(raw)
        return path

    shape = (4, 3, 2)
    for name, affine in affines.items():
        for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
            add(f"{name} {kind.__name__}", kind(rng.integers(-1000, 1000, shape).astype(np.int16), affine).to_bytes())
    for dtype in ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
        for order in "<>":
            data = (rng.uniform(0, 100, shape) if dtype[0] != "i" else rng.uniform(-100, 100, shape)).astype(order + dtype)
            header = nibabel.Nifti1Header(endianness=order)
            header.set_data_dtype(np.dtype(order + dtype))
            image = nibabel.Nifti1Image(data, affines["las"], header)
            add(f"{order}{dtype}", image.to_bytes())
    big = nibabel.Nifti1Image(rng.integers(40000, 65535, shape).astype(np.uint16), affines["ras"])
    add("uint16 beyond int16", big.to_bytes())
    for slope, inter in ((1, -1024), (0.5, 3), (0, 7), (2, 0)):
        image = nibabel.Nifti1Image(rng.integers(0, 1000, shape).astype(np.int16), affines["ras"])
        raw = bytearray(image.to_bytes())
        raw[112:120] = np.array([slope, inter], "<f4").tobytes()
        add(f"slope {slope} inter {inter}", bytes(raw))
    only_q = nibabel.Nifti1Image(rng.integers(0, 99, shape).astype(np.int16), None)
    only_q.header.set_qform(affines["oblique"], 1)
    only_q.header.set_sform(None, 0)
    add("qform only", nibabel.Nifti1Image(only_q.dataobj, None, only_q.header).to_bytes())
    flipped = affines["oblique"] @ np.diag([1, 1, -1, 1])
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(shape)
    header.set_qform(flipped, 1)
    image = nibabel.Nifti1Image(rng.integers(0, 99, shape).astype(np.int16), None, header)
    image.header.set_qform(flipped, 1)
    image.header.set_sform(None, 0)
    add("qform with qfac -1", image.to_bytes())
    neither = nibabel.Nifti1Image(rng.integers(0, 99, shape).astype(np.int16), None)
    neither.header.set_zooms((2, 3, 4))
    neither.header.set_qform(None, 0)
    neither.header.set_sform(None, 0)
    add("neither form", neither.to_bytes())
    write("nifti.json", dict(versions=versions(np, nibabel, sitk), cases=cases))


def grid(image):
    return dict(size=image.GetSize(), origin=image.GetOrigin(), spacing=image.GetSpacing(), direction=image.GetDirection())


def resample():
    """SimpleITK's linear interpolation, nearest extrapolation; sizes etc. are SimpleITK's [x, y, z]."""
    rng = np.random.default_rng(3)
    cases = []
    r = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.4).GetMatrix())
    flip = np.array([-1, 0, 0, 0, 1, 0, 0, 0, -1.0])
    permute = np.array([0, 1, 0, 0, 0, 1, 1, 0, 0.0])
    identity = np.eye(3).ravel()
    for name, source_direction, target_direction, spacing, size in (
        ("finer", identity, identity, (0.6, 0.7, 1.0), (14, 12, 11)),
        ("coarser", identity, identity, (2.2, 1.9, 4.1), (4, 5, 3)),
        ("over the edge", identity, identity, (1.3, 1.3, 2.0), (14, 14, 12)),
        ("flipped", flip, identity, (0.9, 0.8, 1.7), (9, 9, 8)),
        ("permuted", permute, identity, (0.9, 0.8, 1.7), (9, 9, 8)),
        ("oblique", identity, r, (0.9, 0.8, 1.7), (8, 8, 7)),
    ):
        data = scipy.ndimage.gaussian_filter(rng.standard_normal((6, 8, 9)), 0.8) * 500
        labels = rng.integers(0, 3, (6, 8, 9)).astype(np.uint8)
        labels = np.where(scipy.ndimage.gaussian_filter(rng.standard_normal((6, 8, 9)), 1) > 0, labels, 1).astype(np.uint8)
        source = sitk.GetImageFromArray(data.astype(np.float32))
        source.SetSpacing((1.0, 1.1, 2.0))
        source.SetDirection(source_direction)
        source.SetOrigin((-5, 3, 8))
        middle = np.array(source.TransformContinuousIndexToPhysicalPoint([4.1, 3.7, 2.6]))
        target = sitk.Image(size, sitk.sitkFloat32)
        target.SetSpacing(spacing)
        target.SetDirection(target_direction)
        half = (np.array(size) - 1) / 2 * np.array(spacing)
        target.SetOrigin(middle - np.array(target_direction).reshape(3, 3) @ half)

        def onto(image, outside):
            f = sitk.ResampleImageFilter()
            f.SetReferenceImage(target)
            f.SetInterpolator(sitk.sitkLinear)
            f.SetOutputPixelType(sitk.sitkFloat64)
            f.SetUseNearestNeighborExtrapolator(outside == "nearest")
            f.SetDefaultPixelValue(0)
            return sitk.GetArrayFromImage(f.Execute(image))

        inside = onto(sitk.Add(sitk.Multiply(source, 0), 1), "zero") > 0
        shares = []
        for value in range(3):
            one = sitk.GetImageFromArray((labels == value).astype(np.float64))
            one.CopyInformation(source)
            shares.append(onto(one, "zero"))
        shares = np.array(shares)
        ordered = np.sort(shares, axis=0)
        cases.append(
            dict(
                name=name,
                source=grid(source),
                target=grid(target),
                image=pack(data.astype("<f4")),
                labels=pack(labels),
                resampledImage=pack(onto(sitk.Cast(source, sitk.sitkFloat64), "nearest").astype("<f4")),
                inside=pack(inside.astype(np.uint8)),
                resampledLabels=pack(np.where(inside, shares.argmax(0), 0).astype(np.uint8)),
                clear=pack(((ordered[-1] - ordered[-2] > 1e-6) | ~inside).astype(np.uint8)),
            )
        )
    write("resample.json", dict(versions=versions(np, sitk), cases=cases))


if __name__ == "__main__":
    metrics()
    nifti()
    resample()
