"""What the server's job needs beside NVFlare's own FedAvg: a model of many arrays, kept as NPModelPersistor keeps one."""

import json
import os
import time

import numpy as np
from nvflare.app_common.abstract.model import ModelLearnableKey, make_model_learnable
from nvflare.app_common.abstract.model_persistor import ModelPersistor
from nvflare.app_common.app_event_type import AppEventType
from safetensors.numpy import load_file


class ModelPersistorOfMany(ModelPersistor):
    """Starts from a file and saves after each round, which NVFlare's FedAvg asks for; marks the rounds on the way."""

    def __init__(self, model: str, marks: str):
        super().__init__()
        self.model = model
        self.marks = marks
        self.value = 0.0

    def load_model(self, fl_ctx):
        return make_model_learnable(weights=load_file(self.model), meta_props={})

    def save_model(self, model_learnable, fl_ctx):
        weights = model_learnable[ModelLearnableKey.WEIGHTS]
        folder = fl_ctx.get_workspace().get_result_root(fl_ctx.get_job_id())
        os.makedirs(folder, exist_ok=True)
        np.savez(os.path.join(folder, "server.npz"), **weights)
        self.value = float(weights["tensor00"][0])

    def handle_event(self, event_type, fl_ctx):
        if event_type == AppEventType.ROUND_STARTED:
            with open(self.marks, "a") as file:
                file.write(json.dumps({"seconds": time.time(), "value": self.value}) + "\n")
