"""
A reader with MONAI Label's own client, unmodified: takes the next case, has a model draw it, and hands that in.

    python monai_reader.py CLIENT_PY SERVER_URL NAME TOKEN WORK_DIRECTORY MODEL CUT

CUT, true or false: whether all but the last slices of the label are wiped, so that readers disagree.
"""

import gzip
import importlib.util
import json
import os
import struct
import sys

client_file, url, name, token, work, model, cut = sys.argv[1:8]
spec = importlib.util.spec_from_file_location("monai_label_client", client_file)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

client = module.MONAILabelClient(url, tmpdir=work, client_id="workstation")
client.update_auth(client.auth_token(name, token))
image = client.next_sample("next", {})["id"]
drawn, params = client.infer(model, image, {"result_extension": ".nii.gz", "result_dtype": "uint8"})
with open(drawn, "rb") as file:
    content = file.read()
label = bytearray(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
if cut == "true":
    start = int(struct.unpack("<f", label[108:112])[0])
    keep = (len(label) - start) // 3
    label[start:-keep] = bytes(len(label) - start - keep)
path = os.path.join(work, "label.nii.gz")
with gzip.open(path, "wb") as file:
    file.write(bytes(label))
names = [{"name": each, "idx": index} for each, index in params["label_names"].items()]
client.save_label(image, path, "final", {"label_info": names})
print(json.dumps({"image": image}))
