"""Records values and gradients of the losses from PyTorch, checked against MONAI where it has the same loss.

    pip install torch==2.13.0 monai==1.6.1 numpy
    python record_losses.py > ../src/recorded/losses.json
"""
import json

import numpy as np
import torch
import torch.nn.functional as F
from monai.losses import DiceLoss, FocalLoss, TverskyLoss

from pseudo import pseudo

torch.set_default_dtype(torch.float64)


def logits_of(shape, key):
    return torch.tensor(4 * pseudo(int(np.prod(shape)), key)).reshape(shape)


def labels_of(shape, classes, key, ignore=None):
    labels = np.floor((pseudo(int(np.prod(shape)), key) + 1) / 2 * classes)
    if ignore is not None:
        labels[pseudo(labels.size, key + 1) > 0.4] = ignore
    return torch.tensor(labels, dtype=torch.int64).reshape(shape)


def class_mean(lost, term, weights):
    weights = weights.clone()
    if not term.get("background", False):
        weights[0] = 0
    return (lost * weights).sum() / (weights.sum() * lost.shape[0])


def loss_of(spec, logits, label):
    """label [n, 1, z, y, x]; written after the papers, in the plainest way."""
    classes = logits.shape[1]
    ignore = spec.get("ignoreLabel", -100)
    valid = (label != ignore).to(logits.dtype)
    target = torch.where(label == ignore, torch.zeros_like(label), label)
    truth = F.one_hot(target[:, 0], classes).movedim(-1, 1).to(logits.dtype) * valid
    p = logits.softmax(1)
    weights = torch.tensor(spec["classWeights"]) if "classWeights" in spec else torch.ones(classes)
    total = 0
    for term in spec["terms"]:
        axes = (0, 2, 3, 4) if term.get("batch", True) else (2, 3, 4)
        smooth = term.get("smooth", 1e-5)
        shared = (p * truth).sum(axes).reshape(-1, classes)
        actual = truth.sum(axes).reshape(-1, classes)
        predicted = (p * valid).sum(axes).reshape(-1, classes)
        if term["kind"] == "dice":
            if term.get("squared", False):
                predicted = (p * p * valid).sum(axes).reshape(-1, classes)
            lost = class_mean(1 - (2 * shared + smooth) / (predicted + actual + smooth), term, weights)
        elif term["kind"] == "tversky":
            a, b = term.get("alpha", 0.3), term.get("beta", 0.7)
            index = (shared + smooth) / (shared + a * (predicted - shared) + b * (actual - shared) + smooth)
            lost = class_mean((1 - index) ** term.get("exponent", 1), term, weights)
        elif term["kind"] == "cross-entropy":
            given = weights if "classWeights" in spec else None
            lost = F.cross_entropy(logits, label[:, 0], weight=given, ignore_index=ignore)
        else:
            log_p = (logits.log_softmax(1) * truth).sum(1, keepdim=True)
            weight = (truth * weights.reshape(1, -1, 1, 1, 1)).sum(1, keepdim=True)
            lost = -(weight * (1 - log_p.exp()) ** term.get("gamma", 2) * log_p).sum() / weight.sum()
        total = total + term.get("weight", 1) * lost
    return total


def deep_loss(spec, levels, label):
    shares = [0.5**i for i in range(len(levels))]
    total = 0
    for share, logits in zip(shares, levels):
        step = [a // b for a, b in zip(label.shape[2:], logits.shape[2:])]
        total = total + share / sum(shares) * loss_of(spec, logits, label[:, :, :: step[0], :: step[1], :: step[2]])
    return total


def agrees_with_monai():
    logits, label = logits_of([2, 4, 3, 4, 5], 1), labels_of([2, 1, 3, 4, 5], 4, 2)
    def same(term, theirs):
        torch.testing.assert_close(loss_of({"terms": [term]}, logits, label).float(), theirs(logits, label).float())

    kwargs = dict(include_background=False, to_onehot_y=True, softmax=True, smooth_nr=1e-5, smooth_dr=1e-5)
    for batch in (True, False):
        for squared in (True, False):
            same({"kind": "dice", "batch": batch, "squared": squared}, DiceLoss(batch=batch, squared_pred=squared, **kwargs))
        same({"kind": "tversky", "batch": batch}, TverskyLoss(alpha=0.3, beta=0.7, batch=batch, **kwargs))
    focal = FocalLoss(to_onehot_y=True, use_softmax=True, include_background=True, gamma=2)
    same({"kind": "focal"}, lambda a, b: 4 * focal(a, b))  # MONAI also averages over the classes


cases = [
    {"terms": [{"kind": "dice"}]},
    {"terms": [{"kind": "dice", "batch": False, "background": True}]},
    {"terms": [{"kind": "dice", "squared": True, "smooth": 1}]},
    {"terms": [{"kind": "cross-entropy"}]},
    {"terms": [{"kind": "dice"}, {"kind": "cross-entropy"}]},
    {"terms": [{"kind": "dice", "weight": 0.5}, {"kind": "cross-entropy", "weight": 2}], "classWeights": [0.5, 1, 2, 3]},
    {"terms": [{"kind": "dice"}, {"kind": "cross-entropy"}], "ignoreLabel": 255},
    {"terms": [{"kind": "dice", "batch": False}, {"kind": "cross-entropy"}], "ignoreLabel": 2},
    {"terms": [{"kind": "cross-entropy"}], "classWeights": [0.5, 1, 2, 3], "ignoreLabel": 255},
    {"terms": [{"kind": "focal"}]},
    {"terms": [{"kind": "focal", "gamma": 1.5}], "classWeights": [0.5, 1, 2, 3]},
    {"terms": [{"kind": "focal", "gamma": 1}, {"kind": "dice"}], "ignoreLabel": 255},
    {"terms": [{"kind": "tversky"}]},
    {"terms": [{"kind": "tversky", "exponent": 0.75, "batch": False}], "ignoreLabel": 255},
    {"terms": [{"kind": "dice"}, {"kind": "cross-entropy"}], "levels": 3},
]


def record(spec, index):
    spec = dict(spec)
    levels = spec.pop("levels", 1)
    grid = [3, 4, 5] if levels == 1 else [4, 8, 8]
    label = labels_of([2, 1, *grid], 4, 100 + index, spec.get("ignoreLabel"))
    shapes = [[2, 4, grid[0] >> max(0, i - 1), grid[1] >> i, grid[2] >> i] for i in range(levels)]
    logits = [logits_of(shape, 10 * index + i).requires_grad_() for i, shape in enumerate(shapes)]
    loss = deep_loss(spec, logits, label)
    gradients = torch.autograd.grad(loss, logits)
    return {
        "spec": spec,
        "shapes": shapes,
        "logitKeys": [10 * index + i for i in range(levels)],
        "labels": label.flatten().tolist(),
        "loss": loss.item(),
        "gradients": [[float(f"{v:.7g}") for v in gradient.flatten().tolist()] for gradient in gradients],
    }


agrees_with_monai()
print(json.dumps([record(spec, index) for index, spec in enumerate(cases)], separators=(",", ":")))
