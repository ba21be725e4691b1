"""De-identifies the DICOM files named on stdin, once per line "run", with dicom-anonymizer; prints CPU seconds each time.

    pip install pydicom dicom-anonymizer

Reads from and writes to memory. Both programs follow PS3.15 Table E.1-1.
"""
import io
import sys
import time
import warnings

import pydicom
from dicomanonymizer import anonymize_dataset

warnings.simplefilter("ignore")


def run(files):
    total = 0
    for data in files:
        dataset = pydicom.dcmread(io.BytesIO(data))
        anonymize_dataset(dataset, delete_private_tags=True)
        out = io.BytesIO()
        pydicom.dcmwrite(out, dataset)
        total += len(out.getvalue())
    return total


def main():
    files = [open(line.strip(), "rb").read() for line in iter(sys.stdin.readline, "\n")]
    for _ in iter(sys.stdin.readline, ""):
        start = time.process_time()
        run(files)
        print(time.process_time() - start, flush=True)


main()
