"""Records what NumPy and SciPy say about a small table of scores, for src/bootstrap.test.ts and src/spread.test.ts.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scipy
    /tmp/venv/bin/python recording/record_statistics.py > src/recorded/statistics.json
"""

import json

import numpy
import scipy
from scipy import stats

rng = numpy.random.default_rng(20261124)

# Dice of two models on 26 cases of 18 patients at 3 sites; some patients have two cases.
site_of_patient = [0] * 5 + [1] * 6 + [2] * 7
patients = [(site, patient) for patient, site in enumerate(site_of_patient)]
cases = patients + [patients[i] for i in (0, 0, 4, 6, 9, 9, 12, 15)]
cases.sort()
difficulty = {patient: rng.normal(0, 0.1) for patient in patients}
federated = numpy.clip([0.75 - difficulty[c] + rng.normal(0, 0.04) for c in cases], 0, 1)
local = numpy.clip([0.65 - difficulty[c] + rng.normal(0, 0.06) for c in cases], 0, 1)


def clustered(values, resamples, within_sites=True):
    """Patients drawn with replacement (within their site), all cases of a drawn patient; mean over the drawn cases."""
    rows = {p: [i for i, c in enumerate(cases) if c == p] for p in patients}
    strata = [[p for p in patients if p[0] == site] for site in (0, 1, 2)] if within_sites else [patients]
    means = numpy.empty(resamples)
    for r in range(resamples):
        drawn = [p for s in strata for p in (s[i] for i in rng.integers(0, len(s), len(s)))]
        means[r] = numpy.mean([values[i] for p in drawn for i in rows[p]])
    return means


def interval(means):
    return numpy.quantile(means, [0.025, 0.975]).tolist()


# One set of resamples as case weights, so that the very same arithmetic can be compared exactly.
weights = numpy.zeros((64, len(cases)), dtype=int)
for row in weights:
    for i in rng.integers(0, len(cases), len(cases)):
        row[i] += 1
weighted = (weights * federated).sum(axis=1) / weights.sum(axis=1)

independent = stats.bootstrap(
    (federated,), numpy.mean, n_resamples=100_000, method="percentile", rng=rng
).confidence_interval

probabilities = [0, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 1]
json.dump(
    {
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "cases": [{"siteId": f"site-{s}", "patient": f"patient-{p}"} for s, p in cases],
        "federated": federated.tolist(),
        "local": local.tolist(),
        "probabilities": probabilities,
        "quantiles": numpy.quantile(federated, probabilities).tolist(),
        "weights": weights.tolist(),
        "weightedInterval": interval(weighted),
        "mean": float(federated.mean()),
        "independentInterval": [float(independent.low), float(independent.high)],
        "clusteredInterval": interval(clustered(federated, 100_000)),
        "togetherInterval": interval(clustered(federated, 100_000, within_sites=False)),
        "pairedMean": float((federated - local).mean()),
        "pairedClusteredInterval": interval(clustered(federated - local, 100_000)),
    },
    fp=__import__("sys").stdout,
    indent=1,
)
print()
