"""Records what others make of random volumes: ITK's confidence-connected regions, and maximum flows of SciPy and PyMaxflow.

Run with SimpleITK 2.5, scipy 1.17, PyMaxflow 1.3 and numpy: python packages/reading/recording/record_tools.py
"""
import base64
import json
import pathlib

import maxflow
import numpy as np
import scipy
import SimpleITK as sitk
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

rng = np.random.default_rng(20261126)


def packed(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()


def ball(shape, centre, radius):
    grid = np.indices(shape).astype(float)
    return sum((grid[axis] - centre[axis]) ** 2 for axis in range(3)) <= radius**2


def region(shape, seeds, multiplier, iterations, radius, noise):
    voxels = np.where(ball(shape, [n / 2 for n in shape], min(shape) / 2.6), 120, 30)
    voxels = np.round(voxels + rng.normal(0, noise, shape)).astype("<i2")
    image = sitk.Cast(sitk.GetImageFromArray(voxels), sitk.sitkFloat64)
    points = [[int(i) for i in reversed(seed)] for seed in seeds]
    grown = sitk.GetArrayFromImage(
        sitk.ConfidenceConnected(image, points, iterations, multiplier, radius, 1)
    )
    return {
        "size": list(shape),
        "voxels": packed(voxels, "<i2"),
        "seeds": seeds,
        "multiplier": multiplier,
        "iterations": iterations,
        "radius": radius,
        "region": packed(grown, np.uint8),
    }


def cut(shape, capacity, empty):
    """A grid with random whole capacities; some links and terminals are nothing."""
    count = int(np.prod(shape))
    terminals = rng.integers(-capacity, capacity + 1, shape) * (rng.random(shape) > empty)
    links = [rng.integers(0, capacity + 1, shape) * (rng.random(shape) > empty) for _ in range(3)]
    index = np.arange(count).reshape(shape)
    rows, columns, weights = [], [], []
    graph = maxflow.Graph[int](count, 3 * count)
    graph.add_nodes(count)
    for axis in range(3):
        here = [slice(None)] * 3
        there = [slice(None)] * 3
        here[axis], there[axis] = slice(0, -1), slice(1, None)
        a, b, w = index[tuple(here)].ravel(), index[tuple(there)].ravel(), links[axis][tuple(here)].ravel()
        rows += [a, b]
        columns += [b, a]
        weights += [w, w]
        for one, other, weight in zip(a, b, w):
            graph.add_edge(int(one), int(other), int(weight), int(weight))
    flat = terminals.ravel()
    for node in range(count):
        graph.add_tedge(node, max(int(flat[node]), 0), max(-int(flat[node]), 0))
    rows += [np.full(count, count), np.arange(count)]
    columns += [np.arange(count), np.full(count, count + 1)]
    weights += [np.maximum(flat, 0), np.maximum(-flat, 0)]
    matrix = csr_matrix(
        (np.concatenate(weights).astype(np.int32), (np.concatenate(rows), np.concatenate(columns))),
        shape=(count + 2, count + 2),
    )
    found = maximum_flow(matrix, count, count + 1)
    flow = int(found.flow_value)
    assert flow == graph.maxflow(), "SciPy and PyMaxflow disagree"
    residual = matrix - found.flow
    residual.data[residual.data < 0] = 0
    residual.eliminate_zeros()
    reached = np.zeros(count + 2, bool)
    reached[breadth_first_order(residual, count, return_predecessors=False)] = True
    return {
        "size": list(shape),
        "terminals": packed(terminals, "<i4"),
        "links": [packed(link, "<i4") for link in links],
        "flow": flow,
        "source": packed(reached[:count], np.uint8),
    }


def main():
    regions = [
        region((9, 12, 14), [[4, 6, 7]], 2.5, 4, 1, 12),
        region((9, 12, 14), [[0, 0, 0], [4, 6, 7]], 1.5, 2, 2, 20),
        region((7, 9, 11), [[3, 4, 5]], 2.0, 0, 1, 8),
        region((7, 9, 11), [[3, 4, 5], [3, 5, 5]], 1.2, 6, 1, 25),
        # Of two voxels, where a variance over n and one over n - 1 differ most.
        region((7, 9, 11), [[3, 4, 5], [3, 5, 6]], 1.5, 0, 0, 30),
    ]
    cuts = [
        cut((1, 1, 6), 9, 0),
        cut((4, 5, 6), 10, 0.2),
        cut((6, 7, 8), 1000, 0),
        cut((8, 9, 7), 3, 0.5),
        cut((10, 10, 10), 50, 0.3),
    ]
    path = pathlib.Path(__file__).parent.parent / "src" / "recorded" / "tools.json"
    versions = {
        "simpleitk": sitk.Version_VersionString(),
        "scipy": scipy.__version__,
        "pymaxflow": maxflow.__version__,
    }
    path.write_text(json.dumps({**versions, "regions": regions, "cuts": cuts}) + "\n")


main()
