"""Records what pydicom finds in many DICOM files, for dataset.test.ts: of each the number of elements and a digest.

    pip install pydicom
    python record_datasets.py [DATA]

A digest is over tag and value (without padding) of every element but group lengths, sequences walked into; no value
itself is recorded. Writes ../src/recorded/datasets.json.
"""
import hashlib
import json
import sys
import warnings
from pathlib import Path

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.datadict import dictionary_VR
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

warnings.simplefilter("ignore")
HERE = Path(__file__).resolve().parent
DATA = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared" / "data"


def is_sequence(raw):
    if not isinstance(raw, RawDataElement):
        return isinstance(raw.value, pydicom.Sequence)
    if raw.VR == "SQ":
        return True
    try:
        return raw.VR in (None, "UN") and dictionary_VR(raw.tag) == "SQ"
    except KeyError:
        return False


def value_of(raw, little):
    """The value's bytes as in the file; some elements pydicom has decoded already, and these it encodes again."""
    if isinstance(raw, RawDataElement):
        return raw.value or b""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = little, True
    write_data_element(buffer, raw)
    return buffer.getvalue()[8:]


def walk(dataset, digest, little):
    count = 0
    for tag in sorted(dataset.keys()):
        if tag.element == 0:
            continue
        raw = dataset.get_item(tag)
        count += 1
        digest.update(f"{int(tag):08x}".encode())
        if is_sequence(raw):
            for item in dataset[tag].value:
                digest.update(b"(")
                count += walk(item, digest, little)
                digest.update(b")")
        else:
            digest.update(value_of(raw, little).rstrip(b"\0 "))
    return count


def main():
    found = {}
    for path in sorted([*(DATA / "dicom").rglob("*"), *(DATA / "ct").rglob("*")]):
        name = str(path.relative_to(DATA))
        if not path.is_file() or "TINY_ALPHA" in name:
            continue
        try:
            dataset = pydicom.dcmread(path)
            digest = hashlib.sha256()
            found[name] = [walk(dataset, digest, dataset.original_encoding[1]), digest.hexdigest()[:16]]
        except Exception as error:  # Not DICOM, or not to pydicom.
            print(name, type(error).__name__, error)
    out = HERE.parent / "src" / "recorded" / "datasets.json"
    out.write_text(json.dumps(found, indent=0))
    print(len(found), "files")


main()
