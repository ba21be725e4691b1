"""The server: federated averaging; each end of a round is a line in the file of marks."""

import json
import time

from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from safetensors.numpy import load_file

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context):
    config = context.run_config
    clients = int(config["clients"])
    model = [tensor for _, tensor in sorted(load_file(config["model"]).items())]

    def mark(server_round, arrays):
        value = float(arrays.to_numpy_ndarrays()[0][0])
        with open(config["marks"], "a") as file:
            file.write(json.dumps({"round": server_round, "seconds": time.time(), "value": value}) + "\n")

    strategy = FedAvg(
        fraction_train=1.0,
        fraction_evaluate=0.0,
        min_train_nodes=clients,
        min_available_nodes=clients,
    )
    strategy.start(grid, ArrayRecord(model), num_rounds=int(config["rounds"]), evaluate_fn=mark)
