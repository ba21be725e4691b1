"""Submits the job with an administrator's start-up kit: submit.py KIT MODEL ROUNDS MARKS SITE=STEP ...."""

import os
import sys

from nvflare.client.config import ExchangeFormat
from nvflare.fuel.utils.constants import FrameworkType
from nvflare.recipe import ProdEnv
from nvflare.recipe.fedavg import FedAvgRecipe
from server_parts import ModelPersistorOfMany

kit, model, rounds, marks, *steps = sys.argv[1:]
os.chdir(os.path.dirname(os.path.abspath(__file__)))
recipe = FedAvgRecipe(
    name="noop",
    model_persistor=ModelPersistorOfMany(model, marks),
    min_clients=len(steps),
    num_rounds=int(rounds),
    train_script="client.py",
    train_args=" ".join(steps),
    framework=FrameworkType.NUMPY,
    server_expected_format=ExchangeFormat.NUMPY,
)
recipe.execute(ProdEnv(startup_kit_location=kit))
