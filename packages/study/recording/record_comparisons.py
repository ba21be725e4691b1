"""Records what SciPy, statsmodels, pingouin and NumPy say about paired differences, several comparisons and agreement, for
src/statistics/*.test.ts.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scipy statsmodels pingouin
    /tmp/venv/bin/python recording/record_comparisons.py > src/recorded/comparisons.json
"""

import json
import sys

import numpy
import pandas
import pingouin
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

rng = numpy.random.default_rng(20261126)

tests = []
for name, differences in {
    "small": rng.normal(0.05, 0.1, 9),
    "larger": rng.normal(0.02, 0.1, 40),
    "tied": numpy.round(rng.normal(0.03, 0.05, 12), 2),
    "one-sided": numpy.abs(rng.normal(0.05, 0.02, 8)),
    "many": numpy.round(rng.normal(0.01, 0.1, 260), 2),
}.items():
    nonzero = differences[differences != 0]
    # SciPy counts out ties only by permuting signs; for few pairs that is all of them.
    if name == "many":
        p = stats.wilcoxon(differences, method="asymptotic", correction=False).pvalue
    elif len(set(numpy.abs(nonzero))) < len(nonzero):
        p = stats.wilcoxon(
            nonzero, method=stats.PermutationMethod(n_resamples=2 ** len(nonzero))
        ).pvalue
    else:
        p = stats.wilcoxon(nonzero, method="exact").pvalue
    permuted = None
    if len(differences) <= 14:
        permuted = stats.permutation_test(
            (differences,), numpy.mean, permutation_type="samples", n_resamples=numpy.inf
        ).pvalue
    ranks = stats.rankdata(numpy.abs(nonzero))
    plus, minus = ranks[nonzero > 0].sum(), ranks[nonzero < 0].sum()
    tests.append(
        {
            "name": name,
            "differences": differences.tolist(),
            "wilcoxon": float(p),
            "permutation": None if permuted is None else float(permuted),
            "rankBiserial": float((plus - minus) / (plus + minus)),
            "cohensDz": float(stats.ttest_1samp(differences, 0).statistic / len(differences) ** 0.5),
        }
    )

p_values = [0.0004, 0.03, 0.012, 0.2, 0.03, 0.049, 0.7, 0.0301]
ratings = rng.normal(30, 10, (12, 1)) + rng.normal([0, 2, -1], 3, (12, 3))
long = pandas.DataFrame(
    [(case, rater, ratings[case, rater]) for case in range(12) for rater in range(3)],
    columns=["case", "rater", "score"],
)
icc = pingouin.intraclass_corr(long, "case", "rater", "score").set_index("Type")["ICC"]
pairs = ratings[:, :2]
delta = pairs[:, 1] - pairs[:, 0]

# Sites drawn with replacement, then the patients of each drawn site, with all their cases.
owners, values = [], []
for site, size in enumerate([6, 8, 5, 9, 7]):
    level = rng.normal(0.7, 0.08)
    for patient in range(size):
        for _ in range(1 + (patient % 3 == 0)):
            owners.append((site, patient))
            values.append(float(numpy.clip(level + rng.normal(0, 0.1), 0, 1)))
values = numpy.array(values)
rows = {}
for index, owner in enumerate(owners):
    rows.setdefault(owner[0], {}).setdefault(owner[1], []).append(index)
means = numpy.empty(100_000)
for r in range(len(means)):
    drawn = []
    for site in rng.integers(0, len(rows), len(rows)):
        patients = list(rows[site].values())
        for patient in rng.integers(0, len(patients), len(patients)):
            drawn += patients[patient]
    means[r] = values[drawn].mean()

# The law is fitted by SciPy within the same bounds, from several starts.
sizes = numpy.array([4, 4, 8, 8, 16, 16, 32, 32], dtype=float)
curves = []
for ceiling, gap, rate in ((0.85, 0.7, 0.6), (0.95, 0.5, 0.25), (0.6, 0.9, 1.4)):
    scores = ceiling - gap * sizes**-rate + rng.normal(0, 0.008, len(sizes))
    best = None
    for start in (0.1, 0.3, 0.6, 1.0, 2.0):
        fitted, _ = scipy.optimize.curve_fit(
            lambda n, a, b, c: a - b * n**-c, sizes, scores, p0=(0.8, 0.5, start),
            bounds=([0, 0, 0.05], [1, numpy.inf, 3]), xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=20_000,
        )
        error = float(((scores - (fitted[0] - fitted[1] * sizes ** -fitted[2])) ** 2).sum())
        if best is None or error < best["error"]:
            best = {"ceiling": fitted[0], "gap": fitted[1], "rate": fitted[2], "error": error}
    curves.append({"sizes": sizes.tolist(), "scores": scores.tolist(), "fitted": best})

# Distances of two histograms over bins of 2 mm.
first, second = rng.integers(0, 30, 15), rng.integers(0, 30, 15)
centres = 2.0 * numpy.arange(15)

json.dump(
    {
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
        "pingouin": pingouin.__version__,
        "tests": tests,
        "multiplicity": {
            "p": p_values,
            "holm": multipletests(p_values, method="holm")[1].tolist(),
            "benjaminiHochberg": multipletests(p_values, method="fdr_bh")[1].tolist(),
        },
        "agreement": {
            "ratings": ratings.tolist(),
            "icc": {"agreement": float(icc[next(k for k in icc.index if k in ("ICC2", "ICC(A,1)"))]),
                    "consistency": float(icc[next(k for k in icc.index if k in ("ICC3", "ICC(C,1)"))])},
            "bias": float(delta.mean()),
            "limits": [float(delta.mean() + sign * 1.96 * delta.std(ddof=1)) for sign in (-1, 1)],
        },
        "hierarchical": {
            "owners": [{"siteId": f"site-{s}", "patient": f"patient-{p}"} for s, p in owners],
            "values": values.tolist(),
            "interval": numpy.quantile(means, [0.025, 0.975]).tolist(),
        },
        "curves": curves,
        "histograms": {
            "binWidth": 2,
            "first": first.tolist(),
            "second": second.tolist(),
            "wasserstein": float(stats.wasserstein_distance(centres, centres, first, second)),
            "jensenShannon": float(scipy.spatial.distance.jensenshannon(first, second, base=2)),
        },
    },
    sys.stdout,
    indent=1,
)
