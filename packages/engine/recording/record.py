"""Records from PyTorch the value and the gradients of every operator the engine differentiates.

    pip install torch==2.13.0 numpy
    python record.py > ../src/recorded/operators.json

Each case is computed by PyTorch in float64 from float32 inputs; beside it stands the same computation as ONNX nodes,
written here by hand, which the test builds and differentiates. A node's inputs are names of inputs or constants, 'n3'
(the first output of node 3), 'n3:1' (its second) or '' (left out); the last node gives the result. The loss is
sum(y * r). Numbers are float32, base64.
"""
import base64
import json
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
cases = []


def packed(value):
    return base64.b64encode(np.ascontiguousarray(value, dtype="<f4").tobytes()).decode()


def constant(values, dtype="int64"):
    array = np.array(values)
    return {"dtype": dtype, "shape": list(array.shape), "values": array.reshape(-1).tolist()}


class Source:
    """Random numbers that depend on the case's name only, so that a new case changes no other."""

    def __init__(self, name):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))

    def __call__(self, *shape, low=-1.0, high=1.0):
        return self.rng.uniform(low, high, shape).astype(np.float32)


def weights_of(y):
    """r: numbers from -1 to 1 that the test computes the same way."""
    index = torch.arange(y.numel(), dtype=torch.float64)
    return ((index * 37 % 101 - 50) / 50).reshape(y.shape)


def case(family, name, compute, inputs, nodes, constants=None, tolerance=None):
    """`inputs`: name -> float32 array, all differentiated. `compute` takes them in this order, in PyTorch."""
    leaves = {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in inputs.items()}
    y = compute(*leaves.values())
    (y * weights_of(y)).sum().backward()
    record = {
        "family": family,
        "name": name,
        "inputs": {key: {"shape": list(value.shape), "data": packed(value)} for key, value in inputs.items()},
        "constants": constants or {},
        "nodes": [[*node[:2], node[2] if len(node) > 2 else {}, node[3] if len(node) > 3 else 1] for node in nodes],
        "shape": list(y.shape),
        "y": packed(y.detach().numpy()),
        "gradients": {
            key: packed(np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()) for key, leaf in leaves.items()
        },
    }
    if tolerance is not None:
        record["tolerance"] = tolerance
    cases.append(record)


# ---- convolutions -------------------------------------------------------------------------------------------------

convolution = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
transposed = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
sizes = {1: (13,), 2: (7, 6), 3: (5, 4, 3)}


def each(value, rank):
    return list(value)[:rank] if isinstance(value, (list, tuple)) else [value] * rank


def conv(rank, *, ci=2, co=4, k=3, stride=1, dilation=1, groups=1, pad=0, bias=False, batch=2, size=None):
    size = size or sizes[rank]
    k, stride, dilation, pad = (each(v, rank) for v in (k, stride, dilation, pad))
    name = f"{rank}D ci={ci} co={co} k={k} stride={stride} dilation={dilation} groups={groups} pads={pad} bias={bias} batch={batch}"
    s = Source("Conv" + name)
    inputs = {"x": s(batch, ci, *size), "w": s(co, ci // groups, *k)}
    if bias:
        inputs["b"] = s(co)

    def compute(x, w, b=None):
        return convolution[rank](x, w, b, stride, pad, dilation, groups)

    attributes = {"kernel_shape": k, "strides": stride, "dilations": dilation, "pads": pad + pad, "group": groups}
    case("Conv", name, compute, inputs, [("Conv", list(inputs), attributes)])


for rank in (1, 2, 3):
    conv(rank, pad=1, bias=True)
    conv(rank, k=1)
    conv(rank, stride=2, pad=1)
    conv(rank, stride=2)
    conv(rank, dilation=2, pad=2)
    conv(rank, groups=2, pad=1, bias=True)
    conv(rank, ci=3, co=3, groups=3)
    conv(rank, k=2, stride=3, groups=2, pad=1)
    conv(rank, stride=2, dilation=2, pad=2, batch=1)
    conv(rank, k=5, pad=2, batch=1) if rank < 3 else conv(rank, k=(5, 3, 1), pad=(2, 1, 0), batch=1)
conv(2, k=(3, 1), stride=(1, 2), dilation=(2, 1), pad=(0, 1))
conv(3, k=(1, 3, 3), stride=(1, 2, 2), pad=(0, 1, 1))
conv(3, k=(3, 3, 3), stride=(2, 1, 1), pad=1)
conv(3, ci=8, co=3, pad=1, batch=1, bias=True)  # as wide as those that are lowered
conv(3, ci=8, co=2, k=(3, 3, 3), stride=(1, 2, 2), pad=1, batch=1)
conv(3, ci=8, co=2, dilation=(2, 1, 1), pad=(2, 1, 1), batch=2, size=(4, 3, 4))

s = Source("Conv one-sided")
case(
    "Conv",
    "2D with pads on one side",
    lambda x, w: F.conv2d(F.pad(x, (2, 0, 0, 1)), w, stride=2),
    {"x": s(1, 2, 6, 7), "w": s(3, 2, 3, 3)},
    [("Conv", ["x", "w"], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 2, 1, 0]})],
)
case(
    "Conv",
    "2D with auto_pad",
    lambda x, w: F.conv2d(F.pad(x, (0, 1, 1, 1)), w, stride=(1, 2)),
    {"x": s(1, 2, 6, 8), "w": s(3, 2, 3, 3)},
    [("Conv", ["x", "w"], {"kernel_shape": [3, 3], "strides": [1, 2], "auto_pad": "SAME_UPPER"})],
)


def conv_transpose(rank, *, ci=4, co=2, k=2, stride=2, dilation=1, groups=1, pad=0, extra=0, bias=True, batch=2):
    size = {1: (6,), 2: (4, 3), 3: (2, 2, 3)}[rank]
    k, stride, dilation, pad, extra = (each(v, rank) for v in (k, stride, dilation, pad, extra))
    name = f"{rank}D ci={ci} co={co} k={k} stride={stride} dilation={dilation} groups={groups} pads={pad} extra={extra} batch={batch}"
    s = Source("ConvTranspose" + name)
    inputs = {"x": s(batch, ci, *size), "w": s(ci, co // groups, *k)}
    if bias:
        inputs["b"] = s(co)

    def compute(x, w, b=None):
        return transposed[rank](x, w, b, stride, pad, extra, groups, dilation)

    attributes = {"kernel_shape": k, "strides": stride, "dilations": dilation, "pads": pad + pad, "group": groups}
    attributes["output_padding"] = extra
    case("ConvTranspose", name, compute, inputs, [("ConvTranspose", list(inputs), attributes)])


for rank in (1, 2, 3):
    conv_transpose(rank)
    conv_transpose(rank, batch=1, bias=False)
    conv_transpose(rank, k=3, pad=1, extra=1)
    conv_transpose(rank, k=3, stride=1)
    conv_transpose(rank, k=3, stride=1, pad=1, dilation=2)
    conv_transpose(rank, k=3, groups=2)
    conv_transpose(rank, k=2, stride=3)
    conv_transpose(rank, groups=2)
conv_transpose(2, k=(3, 2), stride=(1, 2), pad=(1, 0), extra=(0, 1))
conv_transpose(3, k=(1, 2, 2), stride=(1, 2, 2))

# ---- normalisations -----------------------------------------------------------------------------------------------

for size in ((9,), (4, 5), (3, 4, 3)):
    name = f"over {list(size)}"
    s = Source("InstanceNormalization" + name)
    case(
        "InstanceNormalization",
        name,
        lambda x, scale, bias: F.instance_norm(x, weight=scale, bias=bias, eps=0.1),
        {"x": s(2, 3, *size), "scale": s(3), "bias": s(3)},
        [("InstanceNormalization", ["x", "scale", "bias"], {"epsilon": 0.1})],
    )
s = Source("InstanceNormalization far")
case(
    "InstanceNormalization",
    "far from zero",
    lambda x, scale, bias: F.instance_norm(x, weight=scale, bias=bias, eps=1e-3),
    {"x": s(2, 2, 6, 5) + np.float32(50), "scale": s(2), "bias": s(2)},
    [("InstanceNormalization", ["x", "scale", "bias"], {"epsilon": 1e-3})],
    tolerance=1e-3,
)
for groups in (1, 2, 4):
    s = Source(f"GroupNormalization {groups}")
    case(
        "GroupNormalization",
        f"{groups} groups",
        lambda x, scale, bias, groups=groups: F.group_norm(x, groups, scale, bias, 0.1),
        {"x": s(2, 4, 3, 4), "scale": s(4), "bias": s(4)},
        [("GroupNormalization", ["x", "scale", "bias"], {"num_groups": groups, "epsilon": 0.1})],
    )
for axis in (-1, 1, 2):
    s = Source(f"LayerNormalization {axis}")
    own = (2, 3, 5)[axis:]
    case(
        "LayerNormalization",
        f"axis {axis}",
        lambda x, scale, bias: F.layer_norm(x, scale.shape, scale, bias, 0.1),
        {"x": s(2, 3, 5), "scale": s(*own), "bias": s(*own)},
        [("LayerNormalization", ["x", "scale", "bias"], {"axis": axis, "epsilon": 0.1})],
    )
s = Source("BatchNormalization")
mean, variance = s(3), s(3, low=0.5, high=2)
statistics = {"mean": constant(mean.astype(float), "float32"), "variance": constant(variance.astype(float), "float32")}
batch = ["x", "scale", "bias", "mean", "variance"]
for training in (False, True):
    for size in ((7,), (4, 3)):
        case(
            "BatchNormalization",
            f"{'of the batch' if training else 'of fixed statistics'} over {list(size)}",
            lambda x, scale, bias, training=training: F.batch_norm(
                x, torch.tensor(mean).double(), torch.tensor(variance).double(), scale, bias, training, eps=0.1
            ),
            {"x": s(4, 3, *size), "scale": s(3), "bias": s(3)},
            [("BatchNormalization", batch, {"epsilon": 0.1, **({"training_mode": 1} if training else {})}, 3 if training else 1)],
            statistics,
        )

# ---- activations --------------------------------------------------------------------------------------------------

activations = [
    ("Relu", {}, F.relu),
    ("LeakyRelu", {}, lambda x: F.leaky_relu(x, 0.01)),
    ("LeakyRelu", {"alpha": 0.1}, lambda x: F.leaky_relu(x, 0.1)),
    ("LeakyRelu", {"alpha": 0.0}, lambda x: F.leaky_relu(x, 0.0)),
    ("LeakyRelu", {"alpha": 1.5}, lambda x: F.leaky_relu(x, 1.5)),
    ("LeakyRelu", {"alpha": -0.3}, lambda x: F.leaky_relu(x, -0.3)),
    ("Elu", {}, F.elu),
    ("Elu", {"alpha": 0.5}, lambda x: F.elu(x, 0.5)),
    ("Sigmoid", {}, torch.sigmoid),
    ("Tanh", {}, torch.tanh),
    ("Erf", {}, torch.erf),
    ("Softplus", {}, F.softplus),
    ("Mish", {}, F.mish),
    ("Gelu", {}, F.gelu),
    ("Gelu", {"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh")),
    ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}, F.hardsigmoid),
    ("Softmax", {}, lambda x: x.softmax(-1)),
    ("Softmax", {"axis": 1}, lambda x: x.softmax(1)),
    ("LogSoftmax", {}, lambda x: x.log_softmax(-1)),
    ("LogSoftmax", {"axis": 1}, lambda x: x.log_softmax(1)),
]
for type_, attributes, compute in activations:
    s = Source(type_)
    x = s(2, 3, 4, 3, low=-4, high=4)
    x[0, 0, 0] = 0  # kinks
    case(type_, json.dumps(attributes), compute, {"x": x}, [(type_, ["x"], attributes)])
for type_, compute in (("Softmax", lambda x: x.softmax(1)), ("LogSoftmax", lambda x: x.log_softmax(1))):
    x = Source(type_ + "far")(3, 5, low=-300, high=300)
    case(type_, "of large numbers", compute, {"x": x}, [(type_, ["x"], {"axis": 1})])
s = Source("PRelu")
case("PRelu", "a slope a channel", lambda x, a: F.prelu(x, a[:, 0, 0]), {"x": s(2, 3, 4, 3), "a": s(3, 1, 1)}, [("PRelu", ["x", "a"])])
case("PRelu", "one slope", lambda x, a: F.prelu(x, a), {"x": s(2, 3, 4), "a": s(1)}, [("PRelu", ["x", "a"])])

half, one, root = constant(0.5, "float32"), constant(1.0, "float32"), constant(2**0.5, "float32")
x = Source("composed")(3, 7, low=-4, high=4)
gelu = [("Div", ["x", "root"]), ("Erf", ["n0"]), ("Add", ["n1", "one"]), ("Mul", ["x", "n2"]), ("Mul", ["n3", "half"])]
case("composed", "GELU as exported", F.gelu, {"x": x}, gelu, {"root": root, "one": one, "half": half})
case("composed", "SiLU as exported", F.silu, {"x": x}, [("Sigmoid", ["x"]), ("Mul", ["x", "n0"])])
mish = [("Softplus", ["x"]), ("Tanh", ["n0"]), ("Mul", ["x", "n1"])]
case("composed", "Mish as exported", F.mish, {"x": x}, mish)
case(
    "composed",
    "Hardswish as exported",
    F.hardswish,
    {"x": x},
    [("HardSigmoid", ["x"], {"alpha": 1 / 6, "beta": 0.5}), ("Mul", ["x", "n0"])],
)
group = [
    ("Reshape", ["x", "apart"]),
    ("InstanceNormalization", ["n0", "ones", "zeros"]),
    ("Reshape", ["n1", "whole"]),
    ("Mul", ["n2", "scale"]),
    ("Add", ["n3", "bias"]),
]
s = Source("GroupNorm as exported")
case(
    "composed",
    "GroupNorm as exported before version 18",
    lambda x, scale, bias: F.group_norm(x, 2, scale[:, 0, 0], bias[:, 0, 0]),
    {"x": s(2, 4, 3, 4), "scale": s(4, 1, 1), "bias": s(4, 1, 1)},
    group,
    {
        "apart": constant([0, 2, -1]),
        "whole": constant([2, 4, 3, 4]),
        "ones": constant([1.0, 1.0], "float32"),
        "zeros": constant([0.0, 0.0], "float32"),
    },
)
s = Source("attention")
case(
    "composed",
    "attention",
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v),
    {"q": s(2, 3, 4), "k": s(2, 5, 4), "v": s(2, 5, 4)},
    [
        ("Transpose", ["k"], {"perm": [0, 2, 1]}),
        ("MatMul", ["q", "n0"]),
        ("Mul", ["n1", "half"]),
        ("Softmax", ["n2"], {"axis": -1}),
        ("MatMul", ["n3", "v"]),
    ],
    {"half": half},
)

# ---- arithmetic ---------------------------------------------------------------------------------------------------

broadcasts = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (3, 1)), ((4,), (2, 1, 4)), ((2, 1, 3), (1, 4, 1)), ((), (3, 2))]
binaries = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "Pow": torch.pow}
binaries |= {"Min": torch.minimum, "Max": torch.maximum, "Sum": torch.add, "Mean": lambda a, b: (a + b) / 2}
for type_, compute in binaries.items():
    for left, right in broadcasts:
        name = f"{list(left)} and {list(right)}"
        s = Source(type_ + name)
        inputs = {"a": s(*left, low=0.5, high=2), "b": s(*right, low=0.5, high=2)}
        case(type_, name, compute, inputs, [(type_, ["a", "b"])])
s = Source("Add self")
case("Add", "to itself", lambda x: x * 2, {"x": s(3, 2)}, [("Add", ["x", "x"])])
case("Mul", "by itself", lambda x: x * x, {"x": s(3, 2)}, [("Mul", ["x", "x"])])
for type_, compute in (("Min", torch.minimum), ("Max", torch.maximum)):
    ties = np.array([1, 2, 3, 4], dtype=np.float32)
    case(type_, "of equals", compute, {"a": ties, "b": ties[[0, 0, 2, 2]]}, [(type_, ["a", "b"])])
for exponent in (2.0, 3.0, 1.0, 0.0, -1.0, 0.5, -1.5):
    whole = exponent == int(exponent) and exponent >= 0
    x = Source(f"Pow {exponent}")(3, 4, low=-2 if whole or exponent == -1.0 else 0.3, high=2)
    if whole:
        x[0, 0] = 0
    nodes = [("Pow", ["x", "e"])]
    case("Pow", f"to the {exponent}", lambda x, e=exponent: x**e, {"x": x}, nodes, {"e": constant(exponent, "float32")})
case(
    "Pow",
    "with a base of zero",
    torch.pow,
    {"a": np.array([0, 0, 2], np.float32), "b": np.array([2, 1, 0], np.float32)},
    [("Pow", ["a", "b"])],
)
for low, high in ((-0.5, 0.5), (None, 0.25), (-0.25, None), (None, None)):
    x = Source(f"Clip {low} {high}")(4, 5)
    x[0, :4] = [0.5, -0.5, 0.25, -0.25]  # at the bounds
    names = ["x", "low" if low is not None else "", "high" if high is not None else ""]
    bounds = {key: constant(v, "float32") for key, v in (("low", low), ("high", high)) if v is not None}

    def clip(x, low=low, high=high):
        return x * 1 if low is None and high is None else x.clamp(low, high)

    case("Clip", f"{low} to {high}", clip, {"x": x}, [("Clip", names)], bounds)
truth = Source("Where")(3, 4) > 0
s = Source("Where inputs")
case(
    "Where",
    "broadcast",
    lambda a, b: torch.where(torch.tensor(truth), a, b),
    {"a": s(3, 1), "b": s(4)},
    [("Where", ["condition", "a", "b"])],
    {"condition": constant(truth.astype(int), "bool")},
)
unaries = [
    ("Exp", torch.exp, -2, 2),
    ("Log", torch.log, 0.2, 4),
    ("Sqrt", torch.sqrt, 0.2, 4),
    ("Neg", torch.neg, -2, 2),
    ("Abs", torch.abs, -2, 2),
    ("Reciprocal", torch.reciprocal, 0.3, 2),
    ("Sin", torch.sin, -4, 4),
    ("Cos", torch.cos, -4, 4),
    ("Sign", torch.sign, -2, 2),
    ("Floor", torch.floor, -2, 2),
    ("Ceil", torch.ceil, -2, 2),
    ("Round", torch.round, -2, 2),
]
for type_, compute, low, high in unaries:
    x = Source(type_)(2, 3, 4, low=low, high=high)
    if low < 0:
        x[0, 0, 0] = 0
    case(type_, f"from {low} to {high}", compute, {"x": x}, [(type_, ["x"])])

# ---- pooling ------------------------------------------------------------------------------------------------------

max_pools = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
average_pools = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def pool(rank, kind, *, k=2, stride=2, pad=0, dilation=1, ceil=False, include=True, size=None):
    size = size or {1: (12,), 2: (6, 8), 3: (4, 6, 4)}[rank]
    k, stride, pad, dilation = (each(v, rank) for v in (k, stride, pad, dilation))
    x = Source(f"{kind}{rank}{k}{stride}")(2, 2, *size)
    attributes = {"kernel_shape": k, "strides": stride, "pads": pad + pad, "ceil_mode": int(ceil)}
    if kind == "MaxPool":
        attributes["dilations"] = dilation
        compute = lambda x: max_pools[rank](x, k, stride, pad, dilation, ceil)
    else:
        attributes["count_include_pad"] = int(include)
        compute = lambda x: average_pools[rank](x, k, stride, pad, ceil, include)
    name = f"{rank}D k={k} stride={stride} pads={pad} dilation={dilation} ceil={ceil} include={include} of {list(size)}"
    case(kind, name, compute, {"x": x}, [(kind, ["x"], attributes)])


for rank in (1, 2, 3):
    odd = {1: (9,), 2: (7, 5), 3: (5, 4, 3)}[rank]
    for kind in ("MaxPool", "AveragePool"):
        pool(rank, kind)
        pool(rank, kind, size=odd)
        pool(rank, kind, k=3, stride=2, pad=1)
        pool(rank, kind, k=3, stride=1, pad=1, size=odd)
        pool(rank, kind, k=2, stride=2, ceil=True, size=odd)
    pool(rank, "MaxPool", k=2, stride=1, dilation=2, size=odd)
    pool(rank, "MaxPool", k=3, stride=2, pad=1, ceil=True)
    pool(rank, "AveragePool", k=3, stride=2, pad=1, include=False)
    pool(rank, "AveragePool", k=3, stride=2, pad=1, ceil=True, include=False)
    pool(rank, "AveragePool", k=3, stride=2, pad=1, ceil=True, include=True)
    axes = list(range(2, rank + 2))
    x = Source(f"Global {rank}")(2, 3, *odd)
    case("GlobalAveragePool", f"{rank}D", lambda x: x.mean(axes, keepdim=True), {"x": x}, [("GlobalAveragePool", ["x"])])
    case("GlobalMaxPool", f"{rank}D", lambda x: x.amax(axes, keepdim=True), {"x": x}, [("GlobalMaxPool", ["x"])])
pool(3, "MaxPool", k=(1, 2, 2), stride=(1, 2, 2))
pool(3, "AveragePool", k=(1, 2, 2), stride=(1, 2, 2))

# ---- resize -------------------------------------------------------------------------------------------------------

modes = {1: "linear", 2: "bilinear", 3: "trilinear"}


def resize(rank, mode, to, *, align=None, attributes, by_scale=False, size=None):
    size = size or {1: (5,), 2: (3, 4), 3: (2, 3, 4)}[rank]
    x = Source(f"Resize {rank} {mode}")(2, 2, *size)
    torch_mode = modes[rank] if mode == "linear" else mode
    options = {} if align is None else {"align_corners": align}
    amount = {"scale_factor": to} if by_scale else {"size": to}
    compute = lambda x: F.interpolate(x, mode=torch_mode, **amount, **options)
    attributes = {"mode": "linear" if mode == "linear" else "nearest", **attributes}
    if by_scale:
        constants = {"to": constant([1.0, 1.0, *to], "float32")}
        inputs = ["x", "", "to"]
    else:
        constants = {"to": constant([2, 2, *to])}
        inputs = ["x", "", "", "to"]
    name = f"{rank}D {mode} {'by' if by_scale else 'to'} {list(to)} {attributes['coordinate_transformation_mode']}"
    case("Resize", name, compute, {"x": x}, [("Resize", inputs, attributes)], constants)


nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
exact = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}
half_pixel = {"coordinate_transformation_mode": "half_pixel"}
corners = {"coordinate_transformation_mode": "align_corners"}
for rank in (1, 2, 3):
    base = {1: (5,), 2: (3, 4), 3: (2, 3, 4)}[rank]
    resize(rank, "nearest", [2.0] * rank, by_scale=True, attributes=nearest)
    resize(rank, "nearest", [n + 2 for n in base], attributes=nearest)
    resize(rank, "nearest", [max(1, n - 1) for n in base], attributes=nearest)
    resize(rank, "nearest-exact", [n + 2 for n in base], attributes=exact)
    resize(rank, "linear", [2.0] * rank, by_scale=True, align=False, attributes=half_pixel)
    resize(rank, "linear", [n + 2 for n in base], align=False, attributes=half_pixel)
    resize(rank, "linear", [max(1, n - 1) for n in base], align=False, attributes=half_pixel)
    resize(rank, "linear", [n + 2 for n in base], align=True, attributes=corners)
    resize(rank, "linear", [max(1, n - 1) for n in base], align=True, attributes=corners)

# ---- matrix products ----------------------------------------------------------------------------------------------

products = [((3, 4), (4, 2)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3)), ((2, 3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (2, 4, 5))]
for left, right in products:
    name = f"{list(left)} and {list(right)}"
    s = Source("MatMul" + name)
    case("MatMul", name, torch.matmul, {"a": s(*left), "b": s(*right)}, [("MatMul", ["a", "b"])])
for trans_a in (0, 1):
    for trans_b in (0, 1):
        for c in ((2,), (3, 1), (3, 2), None):
            name = f"transA={trans_a} transB={trans_b} C={c and list(c)}"
            s = Source("Gemm" + name)
            inputs = {"a": s(*((4, 3) if trans_a else (3, 4))), "b": s(*((2, 4) if trans_b else (4, 2)))}
            if c is not None:
                inputs["c"] = s(*c)

            def gemm(a, b, c=None, trans_a=trans_a, trans_b=trans_b):
                y = 0.7 * (a.T if trans_a else a) @ (b.T if trans_b else b)
                return y if c is None else y + 1.5 * c

            attributes = {"transA": trans_a, "transB": trans_b, "alpha": 0.7, "beta": 1.5}
            case("Gemm", name, gemm, inputs, [("Gemm", list(inputs), attributes)])

# ---- reductions ---------------------------------------------------------------------------------------------------

reductions = {
    "ReduceSum": lambda x, d, k: x.sum(d, keepdim=k),
    "ReduceMean": lambda x, d, k: x.mean(d, keepdim=k),
    "ReduceMax": lambda x, d, k: x.amax(d, keepdim=k),
    "ReduceMin": lambda x, d, k: x.amin(d, keepdim=k),
    "ReduceSumSquare": lambda x, d, k: (x * x).sum(d, keepdim=k),
    "ReduceL1": lambda x, d, k: x.abs().sum(d, keepdim=k),
    "ReduceL2": lambda x, d, k: torch.linalg.vector_norm(x, 2, d, k),
    "ReduceLogSum": lambda x, d, k: x.sum(d, keepdim=k).log(),
    "ReduceLogSumExp": lambda x, d, k: x.logsumexp(d, keepdim=k),
}
for type_, compute in reductions.items():
    for axes, keep in (([1], True), ([0, -1], False), ([0, 1, 2], True)):
        x = Source(f"{type_}{axes}")(2, 3, 4, low=0.1 if type_ == "ReduceLogSum" else -1)
        nodes = [(type_, ["x", "axes"], {"keepdims": int(keep)})]
        run = lambda x, compute=compute, axes=axes, keep=keep: compute(x, axes, keep)
        case(type_, f"over {axes} keepdims={keep}", run, {"x": x}, nodes, {"axes": constant(axes)})
x = Source("ReduceSum all")(2, 3)
case("ReduceSum", "over all", lambda x: x.sum(), {"x": x}, [("ReduceSum", ["x"], {"keepdims": 0})])
case("ReduceMean", "over none", lambda x: x * 1, {"x": x}, [("ReduceMean", ["x"], {"noop_with_empty_axes": 1})])
ties = np.array([[1, 3, 3, 2], [4, 4, 4, 4]], np.float32)
axes = {"axes": constant([1])}
case("ReduceMax", "of equals", lambda x: x.amax(1), {"x": ties}, [("ReduceMax", ["x", "axes"], {"keepdims": 0})], axes)
case("ReduceMin", "of equals", lambda x: x.amin(1), {"x": ties}, [("ReduceMin", ["x", "axes"], {"keepdims": 0})], axes)
zero = np.zeros((2, 3), np.float32)
norm = lambda x: torch.linalg.vector_norm(x, 2, 1)
case("ReduceL2", "of zeros", norm, {"x": zero}, [("ReduceL2", ["x", "axes"], {"keepdims": 0})], axes)
far = Source("far")(3, 4, low=-300, high=300)
case("ReduceLogSumExp", "of large numbers", lambda x: x.logsumexp(1), {"x": far}, [("ReduceLogSumExp", ["x", "axes"], {"keepdims": 0})], axes)
x = Source("ReduceProd")(3, 4, low=0.5, high=2)
case("ReduceProd", "over 1", lambda x: x.prod(1), {"x": x}, [("ReduceProd", ["x", "axes"], {"keepdims": 0})], axes)

# ---- layout -------------------------------------------------------------------------------------------------------


def layout(type_, name, shape, compute, inputs=(), attributes=None, constants=None):
    x = Source(type_ + name)(*shape)
    case(type_, name, compute, {"x": x}, [(type_, ["x", *inputs], attributes or {})], constants)


layout("Reshape", "with -1", (2, 3, 4), lambda x: x.reshape(4, 6), ["to"], None, {"to": constant([4, -1])})
layout("Reshape", "with 0", (2, 3, 4), lambda x: x.reshape(2, 12), ["to"], None, {"to": constant([0, -1])})
layout("Flatten", "axis 1", (2, 3, 4), lambda x: x.flatten(1))
layout("Flatten", "axis 2", (2, 3, 4), lambda x: x.reshape(6, 4), (), {"axis": 2})
layout("Transpose", "2 0 1", (2, 3, 4), lambda x: x.permute(2, 0, 1), (), {"perm": [2, 0, 1]})
layout("Squeeze", "1 -1", (2, 1, 3, 1), lambda x: x.reshape(2, 3), ["axes"], None, {"axes": constant([1, -1])})
layout("Unsqueeze", "0 -1", (2, 3), lambda x: x[None, ..., None], ["axes"], None, {"axes": constant([0, -1])})
layout("Expand", "front and middle", (3, 1, 2), lambda x: x.expand(4, 3, 5, 2), ["to"], None, {"to": constant([4, 3, 5, 2])})
layout("Tile", "2 3", (2, 3), lambda x: x.tile(2, 3), ["by"], None, {"by": constant([2, 3])})
layout("CumSum", "axis 1", (3, 4), lambda x: x.cumsum(1), ["axis"], None, {"axis": constant(1)})
layout("Identity", "", (3,), lambda x: x * 1)
slices = {"starts": constant([1, -5]), "ends": constant([2**62, -1]), "axes": constant([0, 1]), "steps": constant([2, 1])}
layout("Slice", "with steps", (6, 7), lambda x: x[1::2, -5:-1], list(slices), None, slices)
back = {"starts": constant([-1]), "ends": constant([-(2**62)]), "axes": constant([1]), "steps": constant([-2])}
layout("Slice", "backwards", (3, 6), lambda x: x.flip(1)[:, ::2], list(back), None, back)
picks = [[2, -1], [0, 2]]
indices = {"i": constant(picks)}
layout("Gather", "axis 0", (3, 4), lambda x: x[torch.tensor(picks)], ["i"], {"axis": 0}, indices)
layout("Gather", "axis 1", (2, 3, 2), lambda x: x[:, torch.tensor(picks)], ["i"], {"axis": 1}, indices)
layout("Gather", "one", (4, 3), lambda x: x[:, -2], ["i"], {"axis": -1}, {"i": constant(-2)})
for mode, torch_mode in (("constant", "constant"), ("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular")):
    for rank in (1, 2, 3):
        size = (5, 4, 4)[:rank]
        pads = [1, 2, 0][:rank] + [2, 0, 1][:rank]
        torch_pads = [n for axis in reversed(range(rank)) for n in (pads[axis], pads[axis + rank])]
        full = {"pads": constant([0, 0, *pads[:rank], 0, 0, *pads[rank:]])}
        layout("Pad", f"{mode} {rank}D", (2, 2, *size), lambda x: F.pad(x, torch_pads, torch_mode), ["pads"], {"mode": mode}, full)
layout("Pad", "that cuts", (4, 5), lambda x: F.pad(x, (-1, 2, 1, -2)), ["pads"], None, {"pads": constant([1, -1, -2, 2])})
s = Source("Concat")
case("Concat", "axis 1", lambda a, b, c: torch.cat((a, b, c), 1), {"a": s(2, 2, 3), "b": s(2, 1, 3), "c": s(2, 4, 3)}, [("Concat", ["a", "b", "c"], {"axis": 1})])
case("Concat", "of itself", lambda a: torch.cat((a, a), -1), {"a": s(2, 3)}, [("Concat", ["a", "a"], {"axis": -1})])
case(
    "Split",
    "of which one part is unused",
    lambda x: x[:, 0:2] * x[:, 5:7],
    {"x": s(3, 7)},
    [("Split", ["x", "parts"], {"axis": 1}, 3), ("Mul", ["n0", "n0:2"])],
    {"parts": constant([2, 3, 2])},
)

json.dump({"torch": torch.__version__.split("+")[0], "cases": cases}, sys.stdout, separators=(",", ":"))
print(f"{len(cases)} cases", file=sys.stderr)
