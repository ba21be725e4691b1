"""Records what pydicom, highdicom and SimpleITK make of DICOM files, for the tests of this package.

    pip install numpy SimpleITK pydicom highdicom
    python record_dicom.py [DATA]

Our own example study is written (by the repository's Node) and read by the others. Of the real series in DATA hashes are
recorded.
Writes ../src/recorded/dicom.json. Arrays are [z, y, x], base64 of little-endian bytes.
"""
import base64
import hashlib
import io
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
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

warnings.simplefilter("ignore")
HERE = Path(__file__).resolve().parent
EXAMPLE = Path(tempfile.mkdtemp())
DATA = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared" / "data"
UID = "1.2.826.0.1.3680043.8.498.1"


def pack(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def grid(image):
    return dict(size=image.GetSize(), origin=image.GetOrigin(), spacing=image.GetSpacing(), direction=image.GetDirection())


def saved(dataset, implicit, little):
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return buffer.getvalue()


def series_of(paths):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(p) for p in paths])
    return reader.Execute()


def slice_dataset(index, stored, *, bits=16, signed=True, slope=1, intercept=-1024):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = f"{UID}.9.{index}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.SOPClassUID, d.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = f"{UID}.1", f"{UID}.2", f"{UID}.3"
    d.Modality, d.PatientID, d.PatientName = "CT", "A", "A^B"
    d.PatientBirthDate = d.PatientSex = d.StudyID = d.AccessionNumber = d.ReferringPhysicianName = ""
    d.StudyDate = d.StudyTime = ""
    d.Manufacturer, d.SeriesNumber, d.InstanceNumber = "X", 1, index + 1
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.ImageOrientationPatient = [0.8, 0.6, 0, -0.6, 0.8, 0]
    d.ImagePositionPatient = [-3.5, 4.25, 10 + 2.5 * index]
    d.PixelSpacing, d.SliceThickness = [0.7, 0.9], 2.5
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.Rows, d.Columns = stored.shape
    d.BitsAllocated, d.BitsStored, d.HighBit = (8 if bits <= 8 else 16), bits, bits - 1
    d.PixelRepresentation = int(signed)
    d.RescaleSlope, d.RescaleIntercept = slope, intercept
    d.PixelData = stored.tobytes()
    d["PixelData"].VR = "OW"
    return d


def encodings():
    """The same kind of slice in each transfer syntax and pixel format that the reader takes."""
    rng = np.random.default_rng(4)
    cases = []
    for bits, signed, slope, intercept in ((12, False, 1, -1024), (16, True, 1, 0), (16, False, 0.5, -1000), (8, False, 4, -500)):
        kind = np.dtype("u1" if bits <= 8 else ("<i2" if signed else "<u2"))
        low, high = (-1000, 3000) if signed else (0, 2**min(bits, 12))
        stored = rng.integers(low, high, (5, 6)).astype(kind)
        stored[1] = stored[1, 0]  # a run, for RLE
        for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless):
            d = slice_dataset(0, stored, bits=bits, signed=signed, slope=slope, intercept=intercept)
            if syntax == RLELossless:
                d.compress(RLELossless, generate_instance_uid=False)
            elif syntax == ExplicitVRBigEndian:
                d.PixelData = stored.astype(kind.newbyteorder(">")).tobytes()
                if kind.itemsize == 1:
                    d["PixelData"].VR = "OB"
            d.file_meta.TransferSyntaxUID = syntax
            data = saved(d, syntax.is_implicit_VR, syntax.is_little_endian)
            again = pydicom.dcmread(io.BytesIO(data))
            assert np.array_equal(again.pixel_array, stored), syntax.name
            hu = stored.astype(np.float64) * slope + intercept
            cases.append(
                dict(
                    name=f"{syntax.name}, {bits} bits {'signed' if signed else 'unsigned'}",
                    file=base64.b64encode(data).decode(),
                    hu=pack(np.maximum(hu, -1024).astype("<f4")),
                )
            )
    return cases


def foreign_segmentations():
    """highdicom's files: empty frames left out, and as LABELMAP."""
    rng = np.random.default_rng(5)
    sources = [slice_dataset(i, rng.integers(0, 2000, (5, 6)).astype("<i2")) for i in range(4)]
    labels = rng.integers(0, 3, (4, 5, 6)).astype(np.uint8)
    labels[1] = 0
    labels[2][labels[2] == 2] = 0
    files = [pydicom.dcmread(io.BytesIO(saved(s, False, True))) for s in sources]
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=n,
            segment_label=label,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=kind,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for n, label, kind in ((1, "one", codes.SCT.Neoplasm), (2, "two", codes.SCT.Cyst))
    ]
    cases = []
    for kind, syntax in (("BINARY", ExplicitVRLittleEndian), ("LABELMAP", ImplicitVRLittleEndian), ("LABELMAP", RLELossless)):
        seg = hd.seg.Segmentation(
            source_images=files,
            pixel_array=labels,
            segmentation_type=kind,
            segment_descriptions=descriptions,
            series_instance_uid=f"{UID}.5",
            series_number=2,
            sop_instance_uid=f"{UID}.6",
            instance_number=1,
            manufacturer="X",
            manufacturer_model_name="X",
            software_versions="1",
            device_serial_number="1",
            transfer_syntax_uid=syntax,
        )
        buffer = io.BytesIO()
        seg.save_as(buffer)
        cases.append(dict(kind=f"{kind}, {syntax.name}", file=base64.b64encode(buffer.getvalue()).decode(), labels=pack(labels)))
    return dict(ct=[base64.b64encode(saved(s, False, True)).decode() for s in sources], segmentations=cases)


WRITE_EXAMPLE = """
import { mkdirSync, writeFileSync } from 'node:fs';
import { exampleStudy } from '../src/dicom/example-study.ts';
const [folder] = process.argv.slice(1);
const { ct, segmentation } = await exampleStudy();
mkdirSync(`${folder}/ct`);
for (const [z, file] of ct.entries()) writeFileSync(`${folder}/ct/${z}.dcm`, file);
writeFileSync(`${folder}/seg.dcm`, segmentation);
"""


def example():
    node = HERE.parents[2] / "node_modules" / ".bin" / "node"
    arguments = ["--conditions=consilium-source", "--input-type=module", "--eval", WRITE_EXAMPLE, str(EXAMPLE)]
    subprocess.run([node, *arguments], cwd=HERE, check=True)
    paths = sorted((EXAMPLE / "ct").glob("*.dcm"))
    image = series_of(paths)
    seg = hd.seg.segread(EXAMPLE / "seg.dcm")
    uids = [pydicom.dcmread(p).SOPInstanceUID for p in paths]
    labels = seg.get_pixels_by_source_instance(
        uids, combine_segments=True, ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    return dict(
        patientName=str(pydicom.dcmread(paths[0]).PatientName),
        ctSha256=[sha256(p.read_bytes()) for p in paths],
        segmentationSha256=sha256((EXAMPLE / "seg.dcm").read_bytes()),
        grid=grid(image),
        hu=pack(sitk.GetArrayFromImage(image).astype("<i2")),
        labels=pack(labels.astype(np.uint8)),
        segments=[
            dict(number=n, label=s.segment_label, type=s.segmented_property_type.value, category=s.segmented_property_category.value)
            for n in seg.segment_numbers
            for s in [seg.get_segment_description(n)]
        ],
    )


def texts():
    """The made-up names of pydicom's character set examples, as bytes and as pydicom reads them."""
    cases = []
    for path in sorted((DATA / "dicom/pydicom/charset_files").glob("*.dcm")):
        raw = pydicom.dcmread(path)
        if "PatientName" not in raw:
            continue
        name = pydicom.dcmread(path).get_item("PatientName").value
        sets = raw.get("SpecificCharacterSet", "")
        sets = sets if isinstance(sets, str) else "\\".join(sets)
        cases.append(dict(sets=sets, bytes=base64.b64encode(name).decode(), text=str(raw.PatientName)))
    return cases


def real():
    """Of real files only positions and hashes are recorded. HU below -1024 count as -1024, as our reader has them."""
    series = []
    for name, paths in (
        ("ct/ge_gantry_tilt", [DATA / f"ct/ge_gantry_tilt/{i:02}.dcm" for i in range(1, 15)]),
        ("ct/ge_gantry_tilt", [DATA / f"ct/ge_gantry_tilt/{i:02}.dcm" for i in range(15, 29)]),
        ("dicom/seg/dcmqi/segmentations/ct-3slice", [DATA / f"dicom/seg/dcmqi/segmentations/ct-3slice/{i:02}.dcm" for i in (3, 2, 1)]),
        ("dicom/seg/dcmqi/segmentations/24x38x3/image", [DATA / f"dicom/seg/dcmqi/segmentations/24x38x3/image/IMG000{i}.dcm" for i in (1, 2, 3)]),
    ):
        image = series_of(paths)
        hu = np.maximum(sitk.GetArrayFromImage(image).astype(np.float64), -1024).astype("<i2")
        last = pydicom.dcmread(paths[-1], stop_before_pixels=True)
        series.append(
            dict(
                folder=name,
                files=[p.name for p in paths],
                grid=grid(image),
                lastPosition=[float(v) for v in last.ImagePositionPatient],
                huSha256=sha256(hu.tobytes()),
            )
        )
    ts = DATA / "dicom/ts/cornerstone"
    plain = np.maximum(pydicom.dcmread(ts / "CTImage.dcm").pixel_array.astype(np.int32) - 1024, -1024).astype("<i2")
    segmentations = []
    folder = DATA / "dicom/seg/dcmqi/segmentations"
    for name, ct in (("liver.dcm", "ct-3slice"), ("24x38x3/seg/label.seg", "24x38x3/image"), ("sparse-labelmap-ppv5.dcm", "24x38x3/image")):
        paths = sorted((folder / ct).glob("*.dcm"), key=lambda p: float(pydicom.dcmread(p, stop_before_pixels=True).ImagePositionPatient[2]))
        heights = [float(pydicom.dcmread(p, stop_before_pixels=True).ImagePositionPatient[2]) for p in paths]
        seg = pydicom.dcmread(folder / name)
        labels = np.zeros((len(paths), seg.Rows, seg.Columns), np.uint8)
        for frame, groups in zip(seg.pixel_array.reshape(-1, seg.Rows, seg.Columns), seg.PerFrameFunctionalGroupsSequence):
            z = heights.index(min(heights, key=lambda h: abs(h - float(groups.PlanePositionSequence[0].ImagePositionPatient[2]))))
            number = 1 if seg.SegmentationType == "LABELMAP" else groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            labels[z] = np.maximum(labels[z], frame * number)
        segmentations.append(dict(file=f"dicom/seg/dcmqi/segmentations/{name}", ct=f"dicom/seg/dcmqi/segmentations/{ct}", labelsSha256=sha256(labels.tobytes()), voxels=int((labels > 0).sum())))
    return dict(series=series, ctImageHuSha256=sha256(plain.tobytes()), segmentations=segmentations)


if __name__ == "__main__":
    result = dict(
        versions={m.__name__: m.__version__ for m in (pydicom, hd, np, sitk)},
        encodings=encodings(),
        foreign=foreign_segmentations(),
        example=example(),
        texts=texts(),
        real=real(),
    )
    (HERE.parent / "src" / "recorded" / "dicom.json").write_text(json.dumps(result, indent=1) + "\n")
