"""The networks a plan can name, in plain PyTorch: `unet`, `residual-encoder-unet`, `segresnet`.

Parameters have the names of `model.safetensors`, so that `load_state_dict` takes it as it is. Input `[n, 1, z, y, x]`
float32 as `grid.prepare` gives it, output `[n, classes, z, y, x]` logits. Deep supervision's coarser outputs serve training
alone and are left out here; their weights are loaded and kept.
"""

import torch
from torch import nn
from torch.nn import functional

from .weights import read_safetensors


class Network(nn.Module):
    """`spec` is the plan's `network`."""

    def __init__(self, spec):
        super().__init__()
        self.spec = spec
        levels = len(spec["channels"])
        residual = spec["kind"] != "unet"
        if spec["kind"] == "residual-encoder-unet":
            self.stem = Blocks(spec, [(spec.get("inputChannels", 1), spec["channels"][0])], spec["kernelSizes"][0])
        if spec["kind"] == "segresnet":
            self.stem = Blocks(spec, [(spec.get("inputChannels", 1), spec["channels"][0])], spec["kernelSizes"][0], bare=True)
            self.down = nn.ModuleDict({str(level): _down(spec, level) for level in range(1, levels)})
        self.encoder = nn.ModuleList(_encoder_level(spec, level) for level in range(levels))
        blocks = spec.get("decoderBlocksPerLevel") or ([1] * levels if residual else spec["blocksPerLevel"])
        self.up = nn.ModuleList(_raise(spec, level) for level in range(levels - 1))
        self.decoder = nn.ModuleList(_decoder_level(spec, level, blocks[level]) for level in range(levels - 1))
        heads = range(max(1, levels - 1)) if spec.get("deepSupervision") else range(1)
        self.head = nn.ModuleList(Head(spec, spec["channels"][level]) for level in heads)

    def forward(self, image):
        spec, skips = self.spec, []
        x = image if spec["kind"] == "unet" else self.stem(image)
        for level, encode in enumerate(self.encoder):
            pooled = spec.get("downSampling") == "max-pool" and level > 0
            if pooled and spec["kind"] != "residual-encoder-unet":
                x = _max_pool(x, spec["strides"][level])
            if spec["kind"] == "segresnet" and level > 0:
                x = self.down[str(level)](x)
            x = encode(x)
            skips.append(x)
        for level in reversed(range(len(self.decoder))):
            x = _interpolated(self.up[level](x), spec, spec["strides"][level + 1])
            x = x + skips[level] if spec["kind"] == "segresnet" else torch.cat([skips[level], x], 1)
            x = self.decoder[level](x)
        return self.head[0](x)


def with_weights(network, path):
    """The network with the weights of a safetensors file, ready to predict."""
    network.load_state_dict({name: torch.from_numpy(value) for name, value in read_safetensors(path).items()})
    return network.eval()


class Blocks(nn.Module):
    """Convolution, norm, activation, so many times. `bare`: the convolution alone."""

    def __init__(self, spec, channels, kernel, stride=(1, 1, 1), bare=False):
        super().__init__()
        steps = [stride] + [(1, 1, 1)] * (len(channels) - 1)
        self.convolution = nn.ModuleList(
            _convolution(spec, into, out, kernel, step) for (into, out), step in zip(channels, steps)
        )
        self.norm = nn.ModuleList(nn.Identity() if bare else _norm(spec, out) for _, out in channels)
        self.activation = nn.ModuleList(nn.Identity() if bare else _activation(spec) for _ in channels)

    def forward(self, x):
        for convolution, norm, activation in zip(self.convolution, self.norm, self.activation):
            x = activation(norm(convolution(x)))
        return x


class ResidualBlock(nn.Module):
    """He et al. 2016 with the shortcut of nnU-Net: pooled, then projected where the channels change."""

    def __init__(self, spec, into, out, kernel, stride):
        super().__init__()
        self.pooled = spec.get("downSampling") == "max-pool" and any(step > 1 for step in stride)
        self.stride = stride
        first = (1, 1, 1) if self.pooled else stride
        self.convolution = nn.ModuleList(
            [_convolution(spec, into, out, kernel, first), _convolution(spec, out, out, kernel)]
        )
        self.norm = nn.ModuleList([_norm(spec, out), _norm(spec, out)])
        self.activation = nn.ModuleList([_activation(spec), _activation(spec)])
        if into != out:
            self.shortcut = nn.ModuleDict(
                {"convolution": nn.Conv3d(into, out, 1, bias=False), "norm": _norm(spec, out)}
            )

    def forward(self, x):
        source = _max_pool(x, self.stride) if self.pooled else x
        y = self.activation[0](self.norm[0](self.convolution[0](source)))
        y = self.norm[1](self.convolution[1](y))
        shortcut = source if self.pooled else _average_pool(x, self.stride)
        if hasattr(self, "shortcut"):
            shortcut = self.shortcut["norm"](self.shortcut["convolution"](shortcut))
        return self.activation[1](y + shortcut)


class PreActivationBlock(nn.Module):
    """SegResNet's: norm, activation, convolution, twice, and the input added."""

    def __init__(self, spec, channels, kernel):
        super().__init__()
        self.norm = nn.ModuleList([_norm(spec, channels) for _ in range(2)])
        self.activation = nn.ModuleList([_activation(spec) for _ in range(2)])
        self.convolution = nn.ModuleList([_convolution(spec, channels, channels, kernel) for _ in range(2)])

    def forward(self, x):
        y = x
        for norm, activation, convolution in zip(self.norm, self.activation, self.convolution):
            y = convolution(activation(norm(y)))
        return y + x


class Head(nn.Conv3d):
    """The 1x1x1 convolution to class scores; SegResNet's comes after a norm and an activation."""

    def __init__(self, spec, channels):
        super().__init__(channels, spec["classes"], 1)
        if spec["kind"] == "segresnet":
            self.norm, self.activation = _norm(spec, channels), _activation(spec)

    def forward(self, x):
        return super().forward(self.activation(self.norm(x)) if hasattr(self, "norm") else x)


class _BlockList(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.block = nn.ModuleList(blocks)

    def forward(self, x):
        for block in self.block:
            x = block(x)
        return x


def _encoder_level(spec, level):
    channels, kernel, stride = spec["channels"], spec["kernelSizes"][level], tuple(spec["strides"][level])
    count, out = spec["blocksPerLevel"][level], channels[level]
    below = channels[max(0, level - 1)]
    if spec["kind"] == "segresnet":
        return _BlockList(PreActivationBlock(spec, out, kernel) for _ in range(count))
    if spec["kind"] == "residual-encoder-unet":
        return _BlockList(
            ResidualBlock(spec, below if i == 0 else out, out, kernel, stride if i == 0 else (1, 1, 1)) for i in range(count)
        )
    first = spec.get("inputChannels", 1) if level == 0 else below
    step = (1, 1, 1) if spec.get("downSampling") == "max-pool" else stride
    return Blocks(spec, [(first, out)] + [(out, out)] * (count - 1), kernel, step)


def _decoder_level(spec, level, count):
    out, kernel = spec["channels"][level], spec["kernelSizes"][level]
    if spec["kind"] == "segresnet":
        return _BlockList(PreActivationBlock(spec, out, kernel) for _ in range(count))
    return Blocks(spec, [(2 * out, out)] + [(out, out)] * (count - 1), kernel) if count > 0 else Blocks(spec, [], kernel)


def _down(spec, level):
    stride = (1, 1, 1) if spec.get("downSampling") == "max-pool" else spec["strides"][level]
    return _convolution(spec, spec["channels"][level - 1], spec["channels"][level], spec["kernelSizes"][level], stride)


def _raise(spec, level):
    into, out, stride = spec["channels"][level + 1], spec["channels"][level], tuple(spec["strides"][level + 1])
    if spec.get("upSampling", "transposed-convolution") == "transposed-convolution":
        return nn.ConvTranspose3d(into, out, stride, stride)
    return nn.Conv3d(into, out, 1, bias=spec.get("convolutionBias", False) if spec["kind"] == "segresnet" else True)


def _interpolated(x, spec, stride):
    mode = spec.get("upSampling", "transposed-convolution")
    if mode == "transposed-convolution" or all(step == 1 for step in stride):
        return x
    scale = [float(step) for step in stride]
    if mode == "nearest":
        return functional.interpolate(x, scale_factor=scale, mode="nearest")
    return functional.interpolate(x, scale_factor=scale, mode="trilinear", align_corners=False)


def _convolution(spec, into, out, kernel, stride=(1, 1, 1)):
    padding = [(size - 1) // 2 for size in kernel]
    return nn.Conv3d(into, out, kernel, tuple(stride), padding, bias=spec.get("convolutionBias", False))


def _norm(spec, channels):
    kind, epsilon = spec.get("norm", "instance"), spec.get("normEpsilon", 1e-5)
    if kind == "instance":
        return nn.InstanceNorm3d(channels, eps=epsilon, affine=True)
    if kind == "group":
        return nn.GroupNorm(spec.get("normGroups", 8), channels, eps=epsilon)
    if kind == "batch":
        return nn.BatchNorm3d(channels, eps=epsilon, track_running_stats=False)
    return nn.Identity()


def _activation(spec):
    kind, slope = spec.get("activation", "leaky-relu"), spec.get("negativeSlope", 0.01)
    return {
        "relu": nn.ReLU,
        "leaky-relu": lambda: nn.LeakyReLU(slope),
        "prelu": nn.PReLU,
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "mish": nn.Mish,
    }[kind]()


def _max_pool(x, stride):
    return x if all(step == 1 for step in stride) else functional.max_pool3d(x, tuple(stride), tuple(stride))


def _average_pool(x, stride):
    return x if all(step == 1 for step in stride) else functional.avg_pool3d(x, tuple(stride), tuple(stride))
