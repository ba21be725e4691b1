"""Records from PyTorch how a small network trains under each optimiser, and the learning rates of its schedules.

    pip install torch==2.13.0 numpy
    python record_optimisers.py > ../src/recorded/optimisers.json

The network is y = tanh(x w1) w2, the loss the mean of (y - t)^2; all in float64 from float32 starting values. The rate of
step i is rate * (1 - i / (2 steps)). With `mu`, mu/2 |w - anchor|^2 is added to the loss that is minimised (FedProx);
with `control`, a fixed tensor is added to each gradient (SCAFFOLD); both before clipping.
"""
import json
import math
import sys

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(7)
steps = 12


def numbers(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


start = {"w1": numbers(4, 3), "w2": numbers(3, 2)}
anchor = {name: value + 0.1 * numbers(*value.shape) for name, value in start.items()}
control = {name: 0.2 * numbers(*value.shape) for name, value in start.items()}
batches = [{"x": numbers(5, 4), "t": 3 * numbers(5, 2)} for _ in range(steps)]


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = (torch.nn.Parameter(torch.tensor(start[name], dtype=torch.float64)) for name in ("w1", "w2"))

    def forward(self, x):
        return torch.tanh(x @ self.w1) @ self.w2


def optimiser(spec, parameters):
    decay = {"weight_decay": spec["weightDecay"]} if "weightDecay" in spec else {}
    if spec["kind"] == "sgd":
        return torch.optim.SGD(parameters, 0, spec["momentum"], nesterov=spec["nesterov"], **decay)
    kind = torch.optim.Adam if spec["kind"] == "adam" else torch.optim.AdamW
    betas = (spec.get("beta1", 0.9), spec.get("beta2", 0.999))
    return kind(parameters, 0.1, betas=betas, eps=spec.get("epsilon", 1e-8), **decay)


def flat(module):
    return {name: value.detach().reshape(-1).tolist() for name, value in module.named_parameters()}


def trajectory(name, spec, rate, clip=None, mu=0.0, with_control=False, average=None):
    network = Network()
    optimise = optimiser(spec, network.parameters())
    averaged = average and AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(average))
    losses, norms = [], []
    if averaged:
        averaged.update_parameters(network)  # the first call copies
    for index, batch in enumerate(batches):
        for group in optimise.param_groups:
            group["lr"] = rate * (1 - index / (2 * steps))
        optimise.zero_grad()
        x, t = (torch.tensor(batch[key], dtype=torch.float64) for key in ("x", "t"))
        loss = ((network(x) - t) ** 2).mean()
        losses.append(loss.item())
        pull = sum(((p - torch.tensor(anchor[key])) ** 2).sum() for key, p in network.named_parameters())
        (loss + mu / 2 * pull).backward()
        if with_control:
            for key, p in network.named_parameters():
                p.grad += torch.tensor(control[key])
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), clip if clip is not None else math.inf)
        norms.append(norm.item())
        optimise.step()
        if averaged:
            averaged.update_parameters(network)
    record = {"name": name, "optimiser": spec, "rate": rate, "losses": losses, "norms": norms, "weights": flat(network)}
    if clip is not None:
        record["clipNorm"] = clip
    if mu:
        record["proximalMu"] = mu
    if with_control:
        record["controlVariate"] = True
    if averaged:
        record["averageDecay"] = average
        record["average"] = flat(averaged.module)
    return record


def sgd(momentum, nesterov=False, **more):
    return {"kind": "sgd", "momentum": momentum, "nesterov": nesterov, **more}


nnunet = sgd(0.99, True, weightDecay=0.05)
trajectories = [
    trajectory("plain descent", sgd(0.0), 0.1),
    trajectory("momentum", sgd(0.9), 0.02),
    trajectory("momentum and weight decay", sgd(0.9, weightDecay=0.1), 0.02),
    trajectory("Nesterov momentum", sgd(0.9, True), 0.02),
    trajectory("Nesterov momentum and weight decay", nnunet, 0.02),
    trajectory("Nesterov momentum, weight decay and clipping", nnunet, 0.02, clip=0.5),
    trajectory("Adam", {"kind": "adam"}, 0.05),
    trajectory("Adam, weight decay", {"kind": "adam", "weightDecay": 0.1}, 0.05),
    trajectory("Adam, other settings", {"kind": "adam", "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-2}, 0.05),
    trajectory("AdamW", {"kind": "adamw"}, 0.05),
    trajectory("AdamW, weight decay", {"kind": "adamw", "weightDecay": 0.3}, 0.05),
    trajectory("AdamW, clipping", {"kind": "adamw"}, 0.05, clip=0.3),
    trajectory("proximal term", sgd(0.9), 0.02, mu=0.5),
    trajectory("control variate", sgd(0.0), 0.1, with_control=True),
    trajectory("proximal term, control variate and clipping", {"kind": "adam"}, 0.05, clip=0.4, mu=0.5, with_control=True),
    trajectory("moving average", sgd(0.9), 0.02, average=0.8),
]


def rates(make, total):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimise = torch.optim.SGD([parameter], lr=0.01)
    scheduler = make(optimise)
    result = []
    for _ in range(total):
        result.append(optimise.param_groups[0]["lr"])
        optimise.step()
        scheduler.step()
    return result


schedule = torch.optim.lr_scheduler


def warmed(optimise):
    rising = schedule.LinearLR(optimise, start_factor=1 / 6, end_factor=1, total_iters=5)
    return schedule.SequentialLR(optimise, [rising, schedule.CosineAnnealingLR(optimise, 15, 1e-4)], [5])


schedules = [
    {
        "schedule": {"kind": "polynomial", "base": 0.01, "totalSteps": 20},
        "rates": rates(lambda o: schedule.PolynomialLR(o, 20, 0.9), 24),
    },
    {
        "schedule": {"kind": "polynomial", "base": 0.01, "totalSteps": 20, "power": 2},
        "rates": rates(lambda o: schedule.PolynomialLR(o, 20, 2), 24),
    },
    {
        "schedule": {"kind": "cosine", "base": 0.01, "totalSteps": 20, "final": 1e-4},
        "rates": rates(lambda o: schedule.CosineAnnealingLR(o, 20, 1e-4), 21),
    },
    {
        "schedule": {"kind": "cosine", "base": 0.01, "totalSteps": 20, "final": 1e-4, "warmUpSteps": 5},
        "rates": rates(warmed, 21),
    },
    {"schedule": {"kind": "constant", "base": 0.01}, "rates": [0.01] * 5},
]


def listed(tensors):
    return {name: {"shape": list(value.shape), "values": value.reshape(-1).tolist()} for name, value in tensors.items()}


record = {
    "torch": torch.__version__.split("+")[0],
    "start": listed(start),
    "anchor": listed({name: value.astype(np.float32) for name, value in anchor.items()}),
    "control": listed({name: value.astype(np.float32) for name, value in control.items()}),
    "batches": [listed(batch) for batch in batches],
    "trajectories": trajectories,
    "schedules": schedules,
}
json.dump(record, sys.stdout, separators=(",", ":"))
