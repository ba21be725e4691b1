"""Records Brier scores, reliability curves and expected calibration errors of made-up probabilities, as scikit-learn says them.

    pip install scikit-learn==1.9.1 numpy
    python record_calibration.py > ../src/recorded/calibration.json
"""
import json

import numpy as np
from pseudo import pseudo
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

SIZE = (6, 7, 8)
CLASSES = 4
REGIONS = {'kidney-and-masses': [1, 2, 3], 'masses': [2, 3], 'tumour': [2]}

voxels = int(np.prod(SIZE))
recorded = []
for key, scale in [(1, 1.0), (2, 4.0), (3, 12.0)]:
    logits = (scale * pseudo(CLASSES * voxels, key)).astype(np.float32).reshape(CLASSES, voxels)
    # Labels that have something to do with the logits: the largest, of some other pseudo-random shift.
    shifted = logits + (scale * pseudo(CLASSES * voxels, key + 10)).astype(np.float32).reshape(CLASSES, voxels)
    label = shifted.argmax(axis=0)
    shares = np.exp(logits.astype(np.float64) - logits.max(axis=0))
    probabilities = shares / shares.sum(axis=0)
    regions = {}
    for name, classes in REGIONS.items():
        inside = np.isin(label, classes).astype(int)
        probability = np.clip(probabilities[classes].sum(axis=0), 0, 1)
        observed, said = calibration_curve(inside, probability, n_bins=10, strategy='uniform')
        edges = np.linspace(0, 1, 11)
        counts = np.bincount(np.searchsorted(edges[1:-1], probability), minlength=10)
        weights = counts[counts > 0] / voxels
        regions[name] = {
            'brier': brier_score_loss(inside, probability),
            'ece': float((weights * np.abs(observed - said)).sum()),
            'counts': counts.tolist(),
            'said': said.tolist(),
            'observed': observed.tolist(),
        }
    recorded.append({'key': key, 'scale': scale, 'size': SIZE, 'label': label.tolist(), 'regions': regions})
print(json.dumps(recorded, separators=(',', ':')))
