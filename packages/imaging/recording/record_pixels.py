"""Records what independent decoders make of the pixels of the real files, for the tests of this package: hashes only.

    pip install pydicom pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg python-gdcm pyjpegls numpy pillow
    apt-get install dcmtk
    python record_pixels.py [DATA]

Every frame is decoded by each of pydicom's plugins (GDCM, Pillow, pylibjpeg, CharLS); lossy JPEG, for which decoders may
differ, by dcmtk's dcmdjpeg, which computes as the Independent JPEG Group's reference does. Digest: SHA-256 over all frames as
stored values [row, column, sample], little endian.
Writes ../src/recorded/pixels.json.
"""
import hashlib
import json
import logging
import subprocess
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pydicom
from pydicom.pixels import get_decoder
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
HERE = Path(__file__).resolve().parent
DATA = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared" / "data"
LOSSY_JPEG = {f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 53, 55)}
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def frames_of(dataset):
    return int(dataset.get("NumberOfFrames", 1) or 1)


def digest(frames):
    total = hashlib.sha256()
    for frame in frames:
        total.update(np.ascontiguousarray(frame.astype(frame.dtype.newbyteorder("<"))).tobytes())
    return total.hexdigest()[:32]


def decoded(dataset, syntax, plugin):
    decoder = get_decoder(syntax)
    options = dict(decoding_plugin=plugin) if plugin else {}
    return [decoder.as_array(dataset, index=i, raw=True, **options)[0] for i in range(frames_of(dataset))]


def by_dcmtk(path):
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "plain.dcm"
        subprocess.run(["dcmdjpeg", "+cn", str(path), str(target)], check=True, capture_output=True)
        plain = pydicom.dcmread(target)
        return digest(decoded(plain, plain.file_meta.TransferSyntaxUID, None))


def by_inflating(dataset):
    """Deflated Image Frame Compression, one bit a pixel."""
    size = dataset.Rows * dataset.Columns
    frames = [zlib.decompress(f, -15) for f in pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=frames_of(dataset))]
    return digest(np.unpackbits(np.frombuffer(f, np.uint8), bitorder="little")[:size] for f in frames)


def truths(path, dataset):
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if syntax is None:
        syntax = ImplicitVRLittleEndian if dataset.is_implicit_VR else ExplicitVRLittleEndian
    if syntax in LOSSY_JPEG:
        try:
            return {"dcmdjpeg": by_dcmtk(path)}, syntax
        except subprocess.CalledProcessError:
            # It does not take files whose photometric interpretation contradicts their JPEG stream.
            return {"gdcm": digest(decoded(dataset, syntax, "gdcm"))}, syntax
    if syntax == "1.2.840.10008.1.2.8.1":
        return {"zlib": by_inflating(dataset)}, syntax
    found = {}
    for plugin in get_decoder(syntax).available_plugins or ("pydicom",):
        try:
            found[plugin] = digest(decoded(dataset, syntax, plugin if plugin != "pydicom" else None))
        except Exception as error:
            found[plugin] = None
    return found, syntax


def main():
    cases = []
    for path in sorted(DATA.glob("dicom/**/*")) + sorted(DATA.glob("ct/**/*")):
        if not path.is_file() or path.suffix in (".gz", ".json", ".nrrd", ".md", ".zip", ".dat"):
            continue
        try:
            dataset = pydicom.dcmread(path, force=True)
            if "Rows" not in dataset or not any(k in dataset for k in PIXELS):
                continue
            found, syntax = truths(path, dataset)
            count = frames_of(dataset)
        except Exception as error:
            print("skipped", path, type(error).__name__, file=sys.stderr)
            continue
        case = dict(file=str(path.relative_to(DATA)), syntax=str(syntax), frames=count)
        agreed = sorted({d for d in found.values() if d})
        case["digests"] = {d: [n for n, m in found.items() if m == d] for d in agreed}
        cases.append(case)
    # HTJ2K's lossy filter is computed in floating point, where decoders differ by one: some values instead of a hash.
    lossy = pydicom.dcmread(DATA / "dicom/pydicom/data_store/HTJ2K_08_RGB.dcm")
    values = lossy.pixel_array.reshape(-1)[:: 10_007]
    near = dict(file="dicom/pydicom/data_store/HTJ2K_08_RGB.dcm", step=10_007, values=[int(v) for v in values])
    versions = {m.__name__: m.__version__ for m in (pydicom, np)}
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = '{"versions": %s,\n"near": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(versions), json.dumps(near), lines)
    (HERE.parent / "src" / "recorded" / "pixels.json").write_text(text)


if __name__ == "__main__":
    main()
