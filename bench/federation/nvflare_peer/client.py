"""The client adds its step to each tensor and gives it back; the mean step of all clients is 1.

client.py SITE=STEP ...
"""

import sys

import numpy as np
import nvflare.client as flare

flare.init()
steps = dict(argument.split("=") for argument in sys.argv[1:])
step = np.float32(steps[flare.get_site_name()])
while flare.is_running():
    model = flare.receive()
    params = {name: array + step for name, array in model.params.items()}
    flare.send(flare.FLModel(params=params))
