"""The reference 3D U-Net in PyTorch, eager, CPU: the peer of ours.ts. Needs torch and nothing else.

Usage: torch_peer.py MODE THREADS FOLDER, MODE is train or infer. Reads weights.safetensors and batch.safetensors from the
folder, says "ready", then does one step for each line read from stdin and answers with a line of JSON.
"""

import json
import resource
import sys
import time

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
    def __init__(self, channels=(16, 32, 64, 128), classes=3):
        super().__init__()
        levels = range(len(channels))
        self.encoder = nn.ModuleList([Block(channels[i - 1] if i else 1, channels[i]) for i in levels])
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


def loss_of(logits, label):
    target = F.one_hot(label, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    p = logits.softmax(1)
    axes = (0, 2, 3, 4)
    dice = (2 * (p * target).sum(axes) + 1e-5) / (p.sum(axes) + target.sum(axes) + 1e-5)
    return 1 - dice.mean() + F.cross_entropy(logits, label)


def peak_bytes():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def main():
    mode, threads, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    torch.set_num_threads(threads)
    network = UNet()
    network.load_state_dict(read_safetensors(f"{folder}/weights.safetensors"))
    batch = read_safetensors(f"{folder}/batch.safetensors")
    image, label = batch["image"], batch["label"][:, 0].long()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)

    def train():
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(network(image), label)
        loss.backward()
        optimiser.step()
        return loss.item()

    def infer():
        with torch.no_grad():
            return network(image)[0, 0, 0, 0, 0].item()

    step = train if mode == "train" else infer
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        value = step()
        elapsed = (time.perf_counter() - start) * 1e3
        print(json.dumps({"ms": elapsed, "value": value, "peakBytes": peak_bytes()}), flush=True)


main()
