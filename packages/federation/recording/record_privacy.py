"""What Google's dp-accounting 0.6.0 and Opacus 1.6.0 say that Gaussian mechanisms cost.

    python3 -m venv /tmp/dp && /tmp/dp/bin/pip install dp-accounting==0.6.0 && /tmp/dp/bin/pip install --no-deps opacus==1.6.0
    /tmp/dp/bin/python packages/federation/recording/record_privacy.py > packages/federation/src/recorded/privacy.json

Of Opacus the file of the accountant's formulas alone is loaded: the rest would need PyTorch. Both are asked at
dp-accounting's orders. `epsilon` is Google's Rényi accountant, `atWholeOrders` the same without the orders at which it
only bounds the divergence, `tight` its accountant of privacy loss distributions,
which is the smallest known bound.
"""

import importlib.util
import itertools
import json
import pathlib
import sys
import warnings

import dp_accounting
from dp_accounting import pld, rdp

found = importlib.util.find_spec("opacus")
path = pathlib.Path(found.origin).parent / "accountants/analysis/rdp.py"
spec = importlib.util.spec_from_file_location("opacus_rdp", path)
opacus = importlib.util.module_from_spec(spec)
spec.loader.exec_module(opacus)
warnings.simplefilter("ignore")

orders = list(rdp.rdp_privacy_accountant.DEFAULT_RDP_ORDERS)


def event(rate, noise, steps):
    step = dp_accounting.GaussianDpEvent(noise)
    if rate < 1:
        step = dp_accounting.PoissonSampledDpEvent(rate, step)
    return dp_accounting.SelfComposedDpEvent(step, steps)


def google(events, delta, at=orders):
    accountant = rdp.RdpAccountant(at)
    for each in events:
        accountant.compose(each)
    return accountant.get_epsilon(delta)


def tight(events, delta):
    accountant = pld.PLDAccountant(value_discretization_interval=1e-3)
    for each in events:
        accountant.compose(each)
    return accountant.get_epsilon(delta)


def by_opacus(parts, delta):
    total = 0
    for rate, noise, steps in parts:
        total = total + opacus.compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=orders)
    return float(opacus.get_privacy_spent(orders=orders, rdp=total, delta=delta)[0])


grid = []
for rate, noise, steps, delta in itertools.product(
    [0.001, 0.01, 0.1, 0.5, 1], [0.4, 0.7, 1, 1.5, 4, 20], [1, 30, 1000, 20000], [1e-3, 1e-5, 1e-8]
):
    part = (rate, noise, steps)
    epsilon = google([event(*part)], delta)
    if not epsilon < 200:
        continue
    row = dict(samplingRate=rate, noiseMultiplier=noise, steps=steps, delta=delta, epsilon=epsilon)
    row["atWholeOrders"] = google([event(*part)], delta, [order for order in orders if order == int(order)])
    row["opacus"] = by_opacus([part], delta)
    grid.append(row)

mixed = [
    [(0.05, 1.1, 400), (0.2, 2, 100), (1, 8, 6)],
    [(0.25, 0.9, 36), (1, 0.6, 1)],
    [(0.01, 0.8, 1000), (0.01, 1.6, 1000), (0.02, 1.2, 500)],
]
composed = []
for parts in mixed:
    events = [event(*part) for part in parts]
    spends = [dict(samplingRate=r, noiseMultiplier=n, steps=s) for r, n, s in parts]
    composed.append(
        dict(
            spends=spends,
            delta=1e-5,
            epsilon=google(events, 1e-5),
            opacus=by_opacus(parts, 1e-5),
            tight=tight(events, 1e-5),
        )
    )

inverse = []
for rate, steps, epsilon, delta in [(0.01, 1000, 1, 1e-5), (0.25, 288, 8, 1e-3), (0.25, 288, 3, 1e-3), (1, 16, 4, 1e-5), (0.001, 20000, 0.5, 1e-6)]:
    noise = dp_accounting.calibrate_dp_mechanism(
        lambda: rdp.RdpAccountant(orders), lambda value: event(rate, value, steps), epsilon, delta,
        dp_accounting.LowerEndpointAndGuess(0, 1), tol=1e-5,
    )
    inverse.append(dict(samplingRate=rate, steps=steps, epsilon=epsilon, delta=delta, noiseMultiplier=noise))

json.dump(dict(orders=orders, grid=grid, composed=composed, inverse=inverse), sys.stdout, separators=(",", ":"))
