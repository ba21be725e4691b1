"""Records how pydicom shows real frames of every photometric interpretation: sums over blocks of the 8-bit picture.

    pip install numpy pydicom pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg python-gdcm pillow
    python record_pictures.py [DATA]

Writes ../src/recorded/pictures.json: for each file the mean of red, green and blue in 4x4 blocks of the first frame.
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_rescale, apply_windowing, pixel_array

warnings.simplefilter("ignore")
HERE = Path(__file__).resolve().parent
DATA = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared" / "data"
FILES = """
dicom/ts/cornerstone/TestPattern_RGB.dcm
dicom/ts/cornerstone/TestPattern_Palette.dcm
dicom/ts/cornerstone/TestPattern_Palette_16.dcm
dicom/ts/cornerstone/TestPattern_JPEG-Baseline_YBR422.dcm
dicom/ts/cornerstone/TestPattern_JPEG-Baseline_YBRFull.dcm
dicom/ts/cornerstone/US-YBR_FULL_422-EVRLE.dcm
dicom/pydicom/data_store/OBXXXX1A.dcm
dicom/pydicom/data_store/OBXXXX1A_expb.dcm
dicom/pydicom/data_store/gdcm-US-ALOKA-16.dcm
dicom/pydicom/data_store/color-pl.dcm
dicom/pydicom/data_store/SC_ybr_full_uncompressed.dcm
dicom/pydicom/data_store/US1_J2KI.dcm
dicom/pydicom/data_store/SC_rgb_16bit.dcm
dicom/pydicom/test_files/SC_rgb_jpeg_dcmtk.dcm
dicom/pydicom/test_files/examples_jpeg2k.dcm
dicom/ts/derived_ct/ct_LE.dcm
dicom/pydicom/test_files/dicomdirtests/77654033/CR1/6154
""".split()


def picture(path):
    d = pydicom.dcmread(path)
    if d.PhotometricInterpretation == "PALETTE COLOR":
        stored = pixel_array(d, index=0)
        rgb = apply_color_lut(stored, d)
        return rgb // 256 if rgb.dtype == np.uint16 else rgb
    values = pixel_array(d, index=0)  # YBR becomes RGB
    if d.SamplesPerPixel == 3:
        return values // 2 ** (d.BitsStored - 8)
    d.VOILUTSequence = None
    del d.VOILUTSequence
    shown = apply_windowing(apply_rescale(values, d), d, index=0).astype(float)
    slope, intercept = float(d.get("RescaleSlope", 1)), float(d.get("RescaleIntercept", 0))
    low = -(2 ** (d.BitsStored - 1)) if d.PixelRepresentation else 0
    ends = [low * slope + intercept, (low + 2**d.BitsStored - 1) * slope + intercept]
    unit = (shown - min(ends)) / (max(ends) - min(ends))
    grey = np.rint(255 * (1 - unit if d.PhotometricInterpretation == "MONOCHROME1" else unit))
    return np.repeat(grey[..., None], 3, -1)


def blocks(rgb):
    rows, columns = rgb.shape[:2]
    ys, xs = np.linspace(0, rows, 5).astype(int), np.linspace(0, columns, 5).astype(int)
    return [[round(float(rgb[a:b, c:e, k].mean()), 3) for k in range(3)] for a, b in zip(ys, ys[1:]) for c, e in zip(xs, xs[1:])]


# pydicom reads big-endian palettes as little-endian ones; the same image in little endian is the truth.
SAME = {"dicom/pydicom/data_store/OBXXXX1A_expb.dcm": "dicom/pydicom/data_store/OBXXXX1A.dcm"}
cases = [dict(file=name, blocks=blocks(picture(DATA / SAME.get(name, name)))) for name in FILES]
lines = ",\n".join(json.dumps(case) for case in cases)
text = '{"versions": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(dict(pydicom=pydicom.__version__)), lines)
(HERE.parent / "src" / "recorded" / "pictures.json").write_text(text)
