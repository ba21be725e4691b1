"""Records what Flower and NVFlare aggregate, for src/strategies/peers.test.ts.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install flwr==1.42.0 nvflare==2.9.0 torch==2.13.0
    /tmp/venv/bin/python recording/record_strategies.py > src/recorded/strategies.json

Everything in float64, so that a difference between two implementations is one of the rule and not of rounding.
"""

import contextlib
import copy
import json
import logging
import sys

import numpy
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import strategy as flower
from flwr.supercore.task_identity import TaskIdentity
from nvflare.app_common.abstract.fl_model import FLModel, ParamsType
from nvflare.app_common.app_constant import AlgorithmConstants
from nvflare.app_common.workflows.scaffold import scaffold_aggregate_fn
from nvflare.app_opt.pt.fedopt_ctl import FedOpt
from nvflare.app_opt.pt.scaffold import PTScaffoldHelper

logging.disable(logging.CRITICAL)
TaskIdentity.run_id = TaskIdentity.task_id = TaskIdentity.node_id = 1
rng = numpy.random.default_rng(20261125)
size = 6


def versions():
    from importlib.metadata import version

    return {name: version(name) for name in ("flwr", "nvflare", "torch", "numpy")}


# Flower ----------------------------------------------------------------------------------------------------------------


class Grid:
    """As much of Flower's grid as `configure_train` looks at."""

    def __init__(self, sites):
        self.sites = sites

    def get_node_ids(self):
        return list(range(1, self.sites + 1))


def record_of(values):
    return ArrayRecord({"a": Array(numpy.array(values[: size // 2])), "b": Array(numpy.array(values[size // 2 :]))})


def values_of(arrays):
    return numpy.concatenate([arrays[name].numpy().ravel() for name in ("a", "b")]).tolist()


def reply(values, cases):
    asked = Message(content=RecordDict(), dst_node_id=1, message_type="train")
    metrics = MetricRecord({"num-examples": cases})
    return Message(content=RecordDict({"arrays": record_of(values), "metrics": metrics}), reply_to=asked)


def flower_rounds(strategy, cases, spread, rounds=4):
    """Each site answers with the global weights plus steps of its own; two of them now and then with large ones."""
    current = rng.normal(size=size)
    recorded = {"initial": current.tolist(), "cases": cases, "rounds": []}
    for number in range(1, rounds + 1):
        answers = [current + spread * rng.normal(size=size) * (1 + 9 * (index < 2)) for index in range(len(cases))]
        strategy.configure_train(number, record_of(current), ConfigRecord(), Grid(len(cases)))
        arrays, _ = strategy.aggregate_train(number, [reply(a, n) for a, n in zip(answers, cases)])
        current = numpy.array(values_of(arrays))
        recorded["rounds"].append({"answers": [a.tolist() for a in answers], "weights": current.tolist()})
    return recorded


def record_flower():
    opt = {"eta": 0.05, "beta_1": 0.9, "tau": 1e-3}
    unequal = [3, 7, 11, 15, 4]
    equal = [5] * 7
    return {
        "fedAvgM": flower_rounds(flower.FedAvgM(server_learning_rate=0.7, server_momentum=0.9), unequal, 0.1),
        "fedAdam": flower_rounds(flower.FedAdam(**opt, beta_2=0.99), unequal, 0.1),
        "fedYogi": flower_rounds(flower.FedYogi(**opt, beta_2=0.99), unequal, 0.1),
        "fedAdagrad": flower_rounds(flower.FedAdagrad(eta=0.05, tau=1e-3), unequal, 0.1),
        "median": flower_rounds(flower.FedMedian(), unequal, 0.1),
        "medianOfEven": flower_rounds(flower.FedMedian(), unequal[:4], 0.1),
        "trimmedMean": flower_rounds(flower.FedTrimmedAvg(beta=0.2), unequal, 0.1),
        "krum": flower_rounds(flower.Krum(num_malicious_nodes=2), equal, 0.1),
        "multiKrum": flower_rounds(flower.MultiKrum(num_malicious_nodes=2, num_nodes_to_select=3), equal, 0.1),
    }


# NVFlare ---------------------------------------------------------------------------------------------------------------


class Vector(torch.nn.Module):
    def __init__(self, values):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(values[: size // 2], dtype=torch.float64))
        self.b = torch.nn.Parameter(torch.tensor(values[size // 2 :], dtype=torch.float64))

    def values(self):
        return torch.cat([self.a, self.b]).detach().tolist()


def parts(values):
    return {"a": numpy.array(values[: size // 2]), "b": numpy.array(values[size // 2 :])}


def joined(params):
    return numpy.concatenate([numpy.asarray(params[name]) for name in ("a", "b")]).tolist()


def nvflare_scaffold(sites=3, rounds=3, steps=4, rate=0.1):
    """Plain gradient descent on 1/2 sum(curvature (w - target)^2) at each site; all take part in all rounds."""
    curvatures = rng.uniform(0.2, 2, size=(sites, size))
    targets = rng.normal(size=(sites, size))
    current = rng.normal(size=size).tolist()
    helpers = [PTScaffoldHelper() for _ in range(sites)]
    control = parts([0.0] * size)
    recorded = {
        "steps": steps,
        "rate": rate,
        "initial": current,
        "curvatures": curvatures.tolist(),
        "targets": targets.tolist(),
        "rounds": [],
    }
    for number in range(rounds):
        results = []
        for helper, curvature, target in zip(helpers, curvatures, targets):
            model = Vector(current)
            sent = copy.deepcopy(model)
            helper.init(model) if number == 0 else helper._prepare_model(model)
            helper.load_global_controls(control)
            c_global, c_local = helper.get_params()
            for _ in range(steps):
                model.zero_grad()
                w = torch.cat([model.a, model.b])
                (0.5 * torch.tensor(curvature) * (w - torch.tensor(target)) ** 2).sum().backward()
                with torch.no_grad():
                    for parameter in model.parameters():
                        parameter -= rate * parameter.grad
                helper.model_update(model, rate, c_global, c_local)
            helper.terms_update(model, rate, c_global, c_local, sent)
            results.append(
                FLModel(
                    params=parts(model.values()),
                    params_type=ParamsType.FULL,
                    current_round=number,
                    meta={
                        AlgorithmConstants.SCAFFOLD_CTRL_DIFF: helper.get_delta_controls(),
                        "NUM_STEPS_CURRENT_ROUND": steps,
                    },
                )
            )
        aggregated = scaffold_aggregate_fn(results)
        current = joined(aggregated.params)
        for name, change in aggregated.meta[AlgorithmConstants.SCAFFOLD_CTRL_DIFF].items():
            control[name] = control[name] + change
        recorded["rounds"].append(
            {
                "answers": [joined(result.params) for result in results],
                "changes": [joined(result.meta[AlgorithmConstants.SCAFFOLD_CTRL_DIFF]) for result in results],
                "weights": current,
                "control": joined(control),
            }
        )
    return recorded


def nvflare_opt(optimiser, rounds=4):
    """The server's optimiser of torch, given the negative of the mean difference as a gradient."""
    current = rng.normal(size=size)
    controller = FedOpt(source_model=Vector(current.tolist()), device="cpu")
    controller.torch_model = controller.source_model
    controller.optimizer = optimiser(controller.torch_model.parameters())
    recorded = {"initial": current.tolist(), "rounds": []}
    for _ in range(rounds):
        difference = 0.1 * rng.normal(size=size)
        answer = current + difference
        controller.optimizer_update(parts(difference.tolist()))
        current = numpy.array(controller.torch_model.values())
        recorded["rounds"].append({"answers": [answer.tolist()], "weights": current.tolist()})
    return recorded


def record_nvflare():
    return {
        "scaffold": nvflare_scaffold(),
        "sgd": nvflare_opt(lambda parameters: torch.optim.SGD(parameters, lr=0.7, momentum=0.6)),
        "adam": nvflare_opt(lambda parameters: torch.optim.Adam(parameters, lr=0.05, betas=(0.9, 0.99), eps=1e-3)),
    }


with contextlib.redirect_stdout(sys.stderr):
    recorded = {"versions": versions(), "flower": record_flower(), "nvflare": record_nvflare()}
json.dump(recorded, sys.stdout)
print()
