"""The 3D U-Net of scene.ts in PyTorch, with the weights that Consilium wrote."""

import json

import torch
import torch.nn.functional as F
from torch import nn


def read_safetensors(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(data[begin:end], dtype=torch.float32)
        tensors[name] = flat.reshape(entry["shape"]).clone()
    return tensors


class Block(nn.Module):
    def __init__(self, inputs, channels):
        super().__init__()
        sizes = [inputs, channels]
        self.convolution = nn.ModuleList([nn.Conv3d(n, channels, 3, padding=1, bias=False) for n in sizes])
        self.norm = nn.ModuleList([nn.InstanceNorm3d(channels, affine=True) for _ in sizes])

    def forward(self, x):
        for convolution, norm in zip(self.convolution, self.norm):
            x = F.leaky_relu(norm(convolution(x)), 0.1, inplace=True)
        return x


class UNet(nn.Module):
    def __init__(self, inputs, channels, classes):
        super().__init__()
        levels = range(len(channels))
        self.encoder = nn.ModuleList([Block(channels[i - 1] if i else inputs, channels[i]) for i in levels])
        self.up = nn.ModuleList([nn.ConvTranspose3d(channels[i + 1], channels[i], 2, 2) for i in levels[:-1]])
        self.decoder = nn.ModuleList([Block(2 * channels[i], channels[i]) for i in levels[:-1]])
        self.head = nn.ModuleList([nn.Conv3d(channels[0], classes, 1)])

    def forward(self, x):
        skips = []
        for index, block in enumerate(self.encoder):
            x = block(F.max_pool3d(x, 2) if index else x)
            skips.append(x)
        for index in reversed(range(len(self.up))):
            x = self.decoder[index](torch.cat([skips[index], self.up[index](x)], 1))
        return self.head[0](x)


def load(folder):
    """The network of a bundle's folder, and its plan."""
    with open(f"{folder}/plan.json") as file:
        plan = json.load(file)
    spec = plan["network"]
    network = UNet(spec["inputChannels"], spec["channels"], spec["classes"])
    network.load_state_dict(read_safetensors(f"{folder}/weights.safetensors"))
    return network.eval(), plan
