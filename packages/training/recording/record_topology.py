"""Records how nnU-Net halves axes and widens kernels, for patches and spacings drawn at random.

    pip install --no-deps nnunetv2==2.8.1; pip install numpy
    python record_topology.py > ../src/recorded/topology.json
"""
import importlib.util
import json
from importlib.metadata import distribution

import numpy as np

path = distribution('nnunetv2').locate_file('nnunetv2/experiment_planning/experiment_planners/network_topology.py')
spec = importlib.util.spec_from_file_location('network_topology', path)
topology = importlib.util.module_from_spec(spec)
spec.loader.exec_module(topology)

random = np.random.default_rng(7)
recorded = []
for _ in range(120):
    patch = [int(random.integers(8, 200)) for _ in range(3)]
    spacing = [round(float(random.uniform(0.5, 6)), 2)] + [round(float(random.uniform(0.5, 2)), 2)] * 2
    _, strides, kernels, padded, _ = topology.get_pool_and_conv_props(spacing, patch, 4, 999999)
    recorded.append({
        'patch': patch,
        'spacingMm': spacing,
        'strides': strides,
        'kernelSizes': kernels,
        'patchSize': [int(size) for size in padded],
    })
print('[' + ',\n'.join(json.dumps(each, separators=(',', ':')) for each in recorded) + ']')
