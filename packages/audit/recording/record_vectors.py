"""Gathers the test vectors of transparency-dev/merkle, which is what certificate transparency logs are built of.

    git clone https://github.com/transparency-dev/merkle /tmp/merkle && git -C /tmp/merkle checkout 417fb0c
    python3 packages/audit/recording/record_vectors.py /tmp/merkle > packages/audit/src/recorded/merkle-vectors.json

Apache-2.0, as this repository. Hashes are in base64, as they are there.
"""

import json
import pathlib
import sys

root = pathlib.Path(sys.argv[1]) / "testdata"
vectors = {
    kind: [
        {"name": str(path.relative_to(root / kind).with_suffix("")), **json.loads(path.read_text())}
        for path in sorted((root / kind).rglob("*.json"))
    ]
    for kind in ("inclusion", "consistency")
}
json.dump(vectors, sys.stdout, separators=(",", ":"))
