"""Writes ../src/generated/attributes.ts and known-uids.ts: DICOM's data dictionary and registered UIDs (PS3.6), as pydicom holds them.

    pip install pydicom
    python record_dictionary.py

pydicom is MIT-licensed. Left out: command elements (group 0000), items and delimiters (FFFE), and repeating groups other
than curves 50xx, overlays 60xx and 7Fxx, which are under their first group.
"""
from pathlib import Path

import pydicom
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._uid_dict import UID_dictionary

OUT = Path(__file__).resolve().parent.parent / "src" / "generated"
HEAD = f"/** From pydicom {pydicom.__version__} by recording/record_dictionary.py; do not edit. */\n"

rows = {}
for tag, (vr, vm, _name, _retired, keyword) in DicomDictionary.items():
    if tag >> 16 not in (0x0000, 0xFFFE) and keyword:
        rows[keyword] = (tag, vr, vm)
for mask, (vr, vm, _name, _retired, keyword) in RepeatersDictionary.items():
    if mask[:4] in ("50xx", "60xx", "7Fxx") and keyword:
        rows.setdefault(keyword, (int(mask.replace("x", "0"), 16), vr, vm))

OUT.mkdir(exist_ok=True)
with open(OUT / "attributes.ts", "w") as file:
    file.write(HEAD)
    file.write("/** Keyword: tag, value representation, value multiplicity. */\nexport const attributes = {\n")
    for keyword, (tag, vr, vm) in sorted(rows.items(), key=lambda row: row[1][0]):
        file.write(f"{keyword}:[0x{tag:08x},'{vr}','{vm}'],\n")
    file.write("} as const;\n")

with open(OUT / "known-uids.ts", "w") as file:
    file.write(HEAD)
    file.write("/** Registered UIDs: SOP classes, transfer syntaxes, frames of reference of atlases, coding schemes. */\n")
    file.write("export const knownUids: readonly string[] = [\n")
    for uid in sorted(UID_dictionary):
        file.write(f"'{uid}',\n")
    file.write("];\n")
print(len(rows), "attributes,", len(UID_dictionary), "UIDs")
