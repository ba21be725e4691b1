"""Exports a small network by both exporters of torch.onnx and records how PyTorch trains it.

    pip install torch==2.13.0 onnx==1.23.2 onnxscript numpy
    python record_network.py ../src/recorded

Writes exported.onnx (the exporter that traces programs), exported-by-script.onnx (the older one) and
exported-network.json: batches, what the network gives for one and for three images, and the losses of 20 steps in
float32. The loss is the mean cross-entropy over voxels. Arrays are base64: images float32, labels uint8.
"""
import base64
import json
import pathlib
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

target = pathlib.Path(sys.argv[1])
torch.manual_seed(3)
torch.set_num_threads(1)
classes, size = 3, (4, 8, 8)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1, bias=False), nn.InstanceNorm3d(4, affine=True), nn.LeakyReLU(0.01))
        self.down = nn.Sequential(nn.Conv3d(4, 6, 3, stride=2, padding=1), nn.InstanceNorm3d(6, affine=True), nn.GELU())
        self.up = nn.ConvTranspose3d(6, 4, 2, stride=2)
        self.norm = nn.GroupNorm(2, 8)
        self.last = nn.Conv3d(8, classes, 1)
        self.register_buffer("ramp", torch.linspace(0.5, 1.5, 8))  # fixed: no parameter

    def forward(self, image):
        fine = self.first(image * self.ramp)
        coarse = F.silu(self.up(self.down(fine)))
        joined = self.norm(torch.cat((fine, coarse), 1))
        pooled = F.interpolate(F.max_pool3d(joined, 2), scale_factor=2, mode="trilinear")
        return self.last(joined + pooled)


def packed(value, dtype):
    return base64.b64encode(np.ascontiguousarray(value, dtype=dtype).tobytes()).decode()


network = Network()
start = {name: value.clone() for name, value in network.state_dict().items()}
rng = np.random.default_rng(5)
images = torch.tensor(rng.normal(size=(3, 1, *size)).astype(np.float32))
labels = torch.tensor(np.digitize(images[:, 0].numpy() + rng.normal(size=(3, *size)) / 3, [-0.4, 0.6]))
with torch.no_grad():
    logits = {str(count): packed(network(images[:count]), "<f4") for count in (1, 3)}

names = {"input_names": ["image"], "output_names": ["logits"]}
example = (images[:2],)
network.eval()
torch.onnx.export(
    network,
    example,
    target / "exported.onnx",
    dynamo=True,
    external_data=False,
    dynamic_shapes=({0: torch.export.Dim("batch")},),
    optimize=True,
    verbose=False,
    **names,
)
torch.onnx.export(
    network,
    example,
    target / "exported-by-script.onnx",
    dynamo=False,
    opset_version=17,
    dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
    **names,
)


# what remains of the metadata says which tensors are parameters; the rest holds this machine's paths
kind = "pkg.torch.export.graph_signature.InputSpec.kind"
exported = onnx.load(target / "exported.onnx")
for holder in (exported, exported.graph, *exported.graph.node, *exported.graph.input, *exported.graph.output):
    del holder.metadata_props[:]
for value in exported.graph.value_info:
    kept = [entry for entry in value.metadata_props if entry.key == kind]
    del value.metadata_props[:]
    value.metadata_props.extend(kept)
(target / "exported.onnx").write_bytes(exported.SerializeToString(deterministic=True))


def train(make):
    network.load_state_dict(start)
    network.train()
    optimiser = make(network.parameters())
    losses = []
    for step in range(20):
        batch = [step % 3, (step + 1) % 3]
        optimiser.zero_grad()
        loss = F.cross_entropy(network(images[batch]), labels[batch])
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


record = {
    "torch": torch.__version__.split("+")[0],
    "size": list(size),
    "classes": classes,
    "parameters": list(start),
    "parameterCount": sum(parameter.numel() for parameter in network.parameters()),
    "images": packed(images, "<f4"),
    "labels": packed(labels, np.uint8),
    "logits": logits,
    "losses": {
        "sgd": train(lambda p: torch.optim.SGD(p, 0.05, 0.9, nesterov=True, weight_decay=1e-3)),
        "adam": train(lambda p: torch.optim.Adam(p, 0.01)),
    },
}
(target / "exported-network.json").write_text(json.dumps(record, separators=(",", ":")))
