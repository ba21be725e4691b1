"""Records what neuroCombat makes of features of three sites, alone and with the phase of contrast enhancement as a covariate, for
src/heterogeneity/combat.test.ts. Its iteration is let run
until it stands still: by itself it stops at changes of 1e-4, divided by numbers of either sign.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy pandas neuroCombat
    /tmp/venv/bin/python recording/record_combat.py > src/recorded/combat.json
"""

import contextlib
import importlib
import io
import json
import sys
from importlib.metadata import version

import numpy
import pandas

combat = importlib.import_module("neuroCombat.neuroCombat")


def settled(sdat, g_hat, d_hat, g_bar, t2, a, b, conv=0.0001):
    n = sdat.shape[1]
    g, d = g_hat.copy(), d_hat.copy()
    for _ in range(1000):
        g = combat.postmean(g_hat, g_bar, n, d, t2)
        d = combat.postvar(((sdat - g[:, None]) ** 2).sum(axis=1), n, a, b)
    return g, d


combat.it_sol = settled
rng = numpy.random.default_rng(20261126)
sizes = {"site-1": 9, "site-2": 14, "site-3": 6}
batch = [site for site, size in sizes.items() for _ in range(size)]
shift = {"site-1": 0.0, "site-2": 1.2, "site-3": -0.7}
scale = {"site-1": 1.0, "site-2": 1.6, "site-3": 0.7}
features = [[10 * f + (shift[s] + 0.2 * rng.normal()) + scale[s] * rng.normal() for s in batch] for f in range(1, 6)]
phases = [["early", "late", "late", "none"][int(rng.integers(4 if s != "site-3" else 3))] for s in batch]
enhancement = {"early": 2.0, "late": -1.0, "none": -4.0}
enhanced = [[v + f * enhancement[p] / 3 for v, p in zip(values, phases)] for f, values in enumerate(features)]
with contextlib.redirect_stdout(io.StringIO()):
    data = combat.neuroCombat(numpy.array(features), pandas.DataFrame({"batch": batch}), "batch")["data"]
    table = pandas.DataFrame({"batch": batch, "phase": phases})
    adjusted = combat.neuroCombat(numpy.array(enhanced), table, "batch", categorical_cols=["phase"])["data"]
json.dump(
    {
        "neuroCombat": version("neuroCombat"),
        "numpy": numpy.__version__,
        "sites": batch,
        "features": features,
        "harmonised": data.tolist(),
        "phases": phases,
        "enhanced": enhanced,
        "harmonisedByPhase": adjusted.tolist(),
    },
    sys.stdout,
    indent=1,
)
