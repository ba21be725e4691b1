"""What this bundle needs besides MONAI: the network in plain PyTorch, and preparation and windows as they were in training.

`grid`, `windows` and `weights` need NumPy alone. `network` needs PyTorch, `monai_parts` MONAI; they are imported when they
are asked for, so that the ONNX example runs with neither.
"""

from importlib import import_module

_WHERE = {
    "Network": "network",
    "with_weights": "network",
    "read_plan": "weights",
    "read_safetensors": "weights",
    "PrepareImaged": "monai_parts",
    "EvenWindowInferer": "monai_parts",
    "RestoreLabelsd": "monai_parts",
}


def __getattr__(name):
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)
