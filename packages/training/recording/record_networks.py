"""Records what the networks compute, in float64: logits at some voxels and the gradient of every parameter.

The U-Net is written out below in the plainest way, and is checked against nnU-Net's where nnU-Net has it. The
residual-encoder U-Net is nnU-Net's own, SegResNet is MONAI's.

    pip install torch==2.13.0 monai==1.6.1 dynamic-network-architectures==0.4.4 numpy
    python record_networks.py > ../src/recorded/networks.json
"""
import json
import math

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from monai.networks.nets import SegResNet
from torch import nn

from pseudo import pseudo

torch.set_default_dtype(torch.float64)

ACTIVATIONS = {
    "relu": lambda slope: nn.ReLU(),
    "leaky-relu": lambda slope: nn.LeakyReLU(slope),
    "prelu": lambda slope: nn.PReLU(),
    "elu": lambda slope: nn.ELU(),
    "gelu": lambda slope: nn.GELU(),
    "silu": lambda slope: nn.SiLU(),
    "mish": lambda slope: nn.Mish(),
}
NORMS = {
    "instance": lambda channels: nn.InstanceNorm3d(channels, affine=True),
    "group": lambda channels: nn.GroupNorm(4, channels),
    "batch": lambda channels: nn.BatchNorm3d(channels, track_running_stats=False),
    "none": lambda channels: nn.Identity(),
}


class Blocks(nn.Module):
    def __init__(self, count, channels_in, spec, level, stride):
        super().__init__()
        channels, kernel = spec["channels"][level], spec["kernelSizes"][level]
        self.convolution, self.norm, self.activation = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for index in range(count):
            self.convolution.append(
                nn.Conv3d(
                    channels_in if index == 0 else channels,
                    channels,
                    kernel,
                    stride if index == 0 else 1,
                    [k // 2 for k in kernel],
                    bias=spec.get("convolutionBias", False),
                )
            )
            self.norm.append(NORMS[spec.get("norm", "instance")](channels))
            self.activation.append(ACTIVATIONS[spec.get("activation", "leaky-relu")](spec.get("negativeSlope", 0.01)))

    def forward(self, x):
        for convolution, norm, activation in zip(self.convolution, self.norm, self.activation):
            x = activation(norm(convolution(x)))
        return x


class UNet(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.spec = spec
        channels, strides, blocks = spec["channels"], spec["strides"], spec["blocksPerLevel"]
        self.pooled = spec.get("downSampling") == "max-pool"
        levels = range(len(channels))
        self.encoder = nn.ModuleList(
            Blocks(blocks[i], 1 if i == 0 else channels[i - 1], spec, i, 1 if self.pooled else strides[i]) for i in levels
        )
        below = list(levels)[:-1]
        decoder_blocks = spec.get("decoderBlocksPerLevel", blocks)
        self.decoder = nn.ModuleList(Blocks(decoder_blocks[i], 2 * channels[i], spec, i, 1) for i in below)
        self.transposed = spec.get("upSampling", "transposed-convolution") == "transposed-convolution"
        self.up = nn.ModuleList(
            nn.ConvTranspose3d(channels[i + 1], channels[i], strides[i + 1], strides[i + 1])
            if self.transposed
            else nn.Conv3d(channels[i + 1], channels[i], 1)
            for i in below
        )
        heads = below if spec.get("deepSupervision") else [0]
        self.head = nn.ModuleList(nn.Conv3d(channels[i], spec["classes"], 1) for i in heads)

    def forward(self, x):
        strides = self.spec["strides"]
        skips = []
        for level, blocks in enumerate(self.encoder):
            if self.pooled and level > 0:
                x = nn.functional.max_pool3d(x, strides[level])
            x = blocks(x)
            skips.append(x)
        outputs = [None] * len(self.decoder)
        for level in reversed(range(len(self.decoder))):
            if self.transposed:
                x = self.up[level](x)
            elif self.spec["upSampling"] == "nearest":
                x = self.up[level](nn.functional.interpolate(x, scale_factor=strides[level + 1], mode="nearest"))
            else:
                x = nn.functional.interpolate(x, scale_factor=strides[level + 1], mode="trilinear", align_corners=False)
                x = self.up[level](x)
            x = self.decoder[level](torch.cat([skips[level], x], 1))
            outputs[level] = x
        return [head(output) for head, output in zip(self.head, outputs)]


def named_u_net(spec):
    network = UNet(spec)
    return network, [(name, parameter, None) for name, parameter in network.named_parameters()]


def swapped(channels):
    """nnU-Net puts the up-sampled activations before the skip connection, we after it."""
    return lambda weight: torch.cat([weight[:, channels:], weight[:, :channels]], 1)


def named_nnu_net(network, spec):
    pairs = []
    levels = len(spec["channels"])
    for name, parameter in network.named_parameters():
        if ".all_modules." in name or name.startswith("decoder.encoder."):
            continue
        parts = name.split(".")
        kind, change = parts[-1], None
        layer = "convolution" if parts[-2] == "conv" else parts[-2]
        if name.startswith("encoder.stem"):
            ours = f"stem.{layer}.0.{kind}"
        elif parts[0] == "encoder" and parts[3] == "convs":
            raise ValueError(name)
        elif parts[0] == "encoder" and "blocks" in parts:
            block = f"encoder.{parts[2]}.block.{parts[4]}"
            ours = f"{block}.shortcut.{layer}.{kind}" if parts[5] == "skip" else f"{block}.{layer}.{int(parts[5][-1]) - 1}.{kind}"
        elif parts[0] == "encoder":
            ours = f"encoder.{parts[2]}.{layer}.{parts[5]}.{kind}"
        else:
            level = levels - 2 - int(parts[2])
            if parts[1] == "stages":
                ours = f"decoder.{level}.{layer}.{parts[4]}.{kind}"
                if parts[4] == "0" and layer == "convolution" and kind == "weight":
                    change = swapped(spec["channels"][level])
            else:
                ours = f"{'up' if parts[1] == 'transpconvs' else 'head'}.{level}.{kind}"
                if parts[1] == "seg_layers" and level > 0 and not spec.get("deepSupervision"):
                    continue
        pairs.append((ours, parameter, change))
    return network, pairs


def nnu_net_arguments(spec):
    return [
        1,
        len(spec["channels"]),
        spec["channels"],
        nn.Conv3d,
        spec["kernelSizes"],
        spec["strides"],
        spec["blocksPerLevel"],
        spec["classes"],
        spec["decoderBlocksPerLevel"][::-1],
        True,
        nn.InstanceNorm3d,
        dict(eps=1e-5, affine=True),
        None,
        None,
        nn.LeakyReLU,
        dict(negative_slope=0.01),
        spec.get("deepSupervision", False),
    ]


def named_seg_res_net(spec):
    network = SegResNet(
        spatial_dims=3,
        init_filters=spec["channels"][0],
        in_channels=1,
        out_channels=spec["classes"],
        blocks_down=spec["blocksPerLevel"],
        blocks_up=spec["decoderBlocksPerLevel"][::-1],
    ).double()
    levels = len(spec["channels"])
    pairs = []
    for name, parameter in network.named_parameters():
        parts = name.split(".")
        kind = parts[-1]

        def in_block(stem, layer):
            return f"{stem}.{'norm' if 'norm' in layer else 'convolution'}.{int(layer[-1]) - 1}.{kind}"

        if parts[0] == "convInit":
            ours = f"stem.convolution.0.{kind}"
        elif parts[0] == "down_layers" and parts[2] == "0":
            ours = f"down.{parts[1]}.{kind}"
        elif parts[0] == "down_layers":
            ours = in_block(f"encoder.{parts[1]}.block.{int(parts[2]) - 1}", parts[3])
        elif parts[0] == "up_layers":
            ours = in_block(f"decoder.{levels - 2 - int(parts[1])}.block.{parts[2]}", parts[3])
        elif parts[0] == "up_samples":
            ours = f"up.{levels - 2 - int(parts[1])}.{kind}"
        else:
            ours = f"head.0.norm.{kind}" if parts[1] == "0" else f"head.0.{kind}"
        pairs.append((ours, parameter, None))
    return network, pairs


def named(spec):
    if spec["kind"] == "unet":
        return named_u_net(spec)
    if spec["kind"] == "segresnet":
        return named_seg_res_net(spec)
    return named_nnu_net(ResidualEncoderUNet(*nnu_net_arguments(spec)), spec)


def value_of(name, shape, key):
    count = math.prod(shape)
    values = pseudo(count, key)
    if len(shape) > 1:
        values = math.sqrt(6 / math.prod(shape[1:])) * values
    elif name.endswith("bias"):
        values = 0.2 * values
    else:
        values = 1 + 0.3 * values if count > 1 else 0.25 + 0 * values
    return torch.tensor(values).float().double().reshape(shape)


def run(network, pairs, patch, batch):
    pairs = sorted(pairs, key=lambda pair: pair[0])
    with torch.no_grad():
        for key, (name, parameter, change) in enumerate(pairs):
            value = value_of(name, list(parameter.shape), key)
            parameter.copy_(value if change is None else change(value))
    image = torch.tensor(pseudo(batch * math.prod(patch), 999)).float().double().reshape(batch, 1, *patch)
    outputs = network(image)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    score = sum((o * torch.tensor(pseudo(o.numel(), 600 + i)).reshape(o.shape)).sum() for i, o in enumerate(outputs))
    gradients = torch.autograd.grad(score, [parameter for _, parameter, _ in pairs])
    return pairs, outputs, score, gradients


def record(spec, patch, batch=1):
    pairs, outputs, score, gradients = run(*named(spec), patch, batch)
    rounded = lambda value: float(f"{value:.8g}")
    parameters = []
    for key, ((name, parameter, change), gradient) in enumerate(zip(pairs, gradients)):
        ours = gradient if change is None else change(gradient)
        along = (ours.flatten() * torch.tensor(pseudo(ours.numel(), key + 300))).sum()
        parameters.append([name, list(parameter.shape), rounded(ours.norm().item()), rounded(along.item())])
    logits = [[rounded(v) for v in o.flatten()[:: max(1, o.numel() // 40)].tolist()] for o in outputs]
    return {
        "spec": spec,
        "patchSize": patch,
        "batchSize": batch,
        "parameters": parameters,
        "shapes": [list(o.shape) for o in outputs],
        "logits": logits,
        "score": score.item(),
    }


def agrees_with_nnu_net(spec, patch):
    theirs = run(*named_nnu_net(PlainConvUNet(*nnu_net_arguments(spec)), spec), patch, 1)
    ours = run(*named(spec), patch, 1)
    for a, b in zip(theirs[1], ours[1]):
        torch.testing.assert_close(a, b)


ones, twos, threes = [1, 1, 1], [2, 2, 2], [3, 3, 3]
reference = {
    "kind": "unet",
    "classes": 3,
    "channels": [16, 32, 64, 128],
    "strides": [ones, twos, twos, twos],
    "kernelSizes": [threes] * 4,
    "blocksPerLevel": [2] * 4,
    "activation": "leaky-relu",
    "negativeSlope": 0.1,
    "convolutionBias": True,
    "downSampling": "max-pool",
}
small = {
    "kind": "unet",
    "classes": 4,
    "channels": [4, 8, 8],
    "strides": [ones, [1, 2, 2], twos],
    "kernelSizes": [[1, 3, 3], threes, threes],
    "blocksPerLevel": [1, 2, 1],
}
patch = [4, 8, 12]
nnu_net = {**small, "decoderBlocksPerLevel": [2, 1], "convolutionBias": True, "deepSupervision": True}
agrees_with_nnu_net(nnu_net, patch)
recorded = [
    record(reference, [16, 16, 16]),
    record(nnu_net, patch, 2),
    record({**small, "norm": "group", "normGroups": 4, "activation": "relu", "upSampling": "nearest"}, patch),
    record({**small, "norm": "batch", "activation": "prelu", "negativeSlope": 0.25, "upSampling": "linear"}, patch, 2),
    record({**small, "norm": "none", "activation": "elu"}, patch),
    record({**small, "activation": "gelu", "downSampling": "max-pool"}, patch),
    record({**small, "activation": "silu"}, patch),
    record({**small, "activation": "mish"}, patch),
    record(
        {
            **small,
            "kind": "residual-encoder-unet",
            "channels": [4, 8, 12],
            "blocksPerLevel": [1, 2, 2],
            "decoderBlocksPerLevel": [1, 1],
            "convolutionBias": True,
            "deepSupervision": True,
        },
        patch,
    ),
    record(
        {
            "kind": "segresnet",
            "classes": 3,
            "channels": [8, 16, 32],
            "strides": [ones, twos, twos],
            "kernelSizes": [threes] * 3,
            "blocksPerLevel": [1, 2, 2],
            "decoderBlocksPerLevel": [1, 1],
            "norm": "group",
            "normGroups": 8,
            "activation": "relu",
            "upSampling": "linear",
        },
        [8, 8, 12],
    ),
]
print(json.dumps(recorded, separators=(",", ":")))
