"""Records what NVFlare's filters make of weights, for src/filters/filtered-movement.test.ts.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install nvflare==2.9.0 numpy
    /tmp/venv/bin/python packages/site/recording/record_filters.py > packages/site/src/recorded/filters.json

Chance is taken out of the sparse vector technique: every draw from a Laplace distribution is made of the next uniform
number of a list that is recorded with the result, and where more are accepted than may go out, nothing is drawn from them
(`replace=False`, and cases in which exactly as many are accepted as go out).
"""

import json
import logging
from importlib.metadata import version

import numpy
from nvflare.apis.dxo import DXO, DataKind, MetaKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.app_common.filters.exclude_vars import ExcludeVars
from nvflare.app_common.filters.percentile_privacy import PercentilePrivacy
from nvflare.app_common.filters.svt_privacy import SVTPrivacy

logging.disable(logging.CRITICAL)
rng = numpy.random.default_rng(20261126)


def movement():
    return {
        "a.weight": rng.normal(0, 2e-3, (3, 4)),
        "b.bias": rng.normal(0, 5e-4, 5),
        "c.norm.scale": rng.normal(0, 1e-2, 4),
    }


def plain(weights):
    return {name: numpy.asarray(values).ravel().tolist() for name, values in weights.items()}


def run(one, given, steps):
    copies = {name: values.copy() for name, values in given.items()}
    dxo = DXO(DataKind.WEIGHT_DIFF, copies, {MetaKey.NUM_STEPS_CURRENT_ROUND: steps})
    result = one.process_dxo(dxo, Shareable(), FLContext())
    return plain((result or dxo).data)


class Laplace:
    """In place of numpy's: each draw is made of a uniform number that is kept."""

    def __init__(self):
        self.uniforms = []

    def __call__(self, loc=0.0, scale=1.0, size=None):
        places = rng.uniform(0.02, 0.98, 1 if size is None else size)
        self.uniforms.extend(places.ravel().tolist())
        draws = -scale * numpy.sign(places - 0.5) * numpy.log(1 - 2 * numpy.abs(places - 0.5))
        return draws[0] if size is None else draws


def percentiles():
    for percentile, gamma, steps in ((10, 0.01, 1), (50, 2e-4, 5), (90, 1e-3, 10), (0, 1e-3, 2), (100, 1, 3)):
        given = movement()
        yield {
            "percentile": percentile,
            "gamma": gamma,
            "steps": steps,
            "given": plain(given),
            "expected": run(PercentilePrivacy(percentile=percentile, gamma=gamma), given, steps),
        }


def sparse_vectors():
    cases = 0
    while cases < 4:
        given = movement()
        steps = int(rng.integers(1, 6))
        fraction = [1.0, 0.5, 0.3, 0.1][cases]
        settings = {"fraction": fraction, "epsilon": 40.0, "gamma": 1e-3, "tau": 1e-4}
        laplace = Laplace()
        accepted = []
        draw = numpy.random.choice
        numpy.random.laplace = laplace
        numpy.random.choice = lambda values, size, replace: values[:size]
        # Asked first about all tensors: of all that were accepted, those of the first.
        numpy.random.hypergeometric = lambda ngood, nbad, nsample: accepted.append(ngood + nbad) or min(ngood, nsample)
        try:
            one = SVTPrivacy(**settings, replace=False, epsilon_release=20.0)
            expected = run(one, given, steps)
        except ValueError:
            continue
        finally:
            numpy.random.choice = draw
        count = int(numpy.ceil(fraction * sum(values.size for values in given.values())))
        if not accepted or accepted[0] != count:
            continue
        yield {
            **settings,
            "releaseEpsilon": 20.0,
            "steps": steps,
            "given": plain(given),
            "uniforms": laplace.uniforms,
            "expected": expected,
        }
        cases += 1


def exclusions():
    given = movement()
    for names in (["b.bias"], ["a.weight", "c.norm.scale"]):
        yield {"tensors": names, "given": plain(given), "kept": run(ExcludeVars(exclude_vars=names), given, 1)}


print(
    json.dumps(
        {
            "versions": {name: version(name) for name in ("nvflare", "numpy")},
            "percentile": list(percentiles()),
            "sparseVector": list(sparse_vectors()),
            "exclude": list(exclusions()),
        },
        indent=1,
    )
)
