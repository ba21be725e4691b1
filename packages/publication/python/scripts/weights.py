"""The files of the bundle. A safetensors file is a length, a JSON header and little-endian numbers: NumPy reads it."""

import json

import numpy as np

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1"}


def read_plan(path):
    """How images are prepared, and which network it is."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_safetensors(path):
    """Name to array. https://github.com/huggingface/safetensors, "Format"."""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[start + facts["data_offsets"][0] : start + facts["data_offsets"][1]], _DTYPES[facts["dtype"]])
        .reshape(facts["shape"])
        .copy()
        for name, facts in header.items()
    }
