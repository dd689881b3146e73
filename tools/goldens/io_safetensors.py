#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/goldens/io/every_dtype.safetensors with the reference implementation of the format.

Needs torch and safetensors. Element i of each tensor is i (booleans: i odd), in row-major order.
"""
import pathlib

import safetensors
import torch
from safetensors.torch import save_file

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn,
          torch.float8_e5m2, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
          torch.bool]

tensors = {}
for dtype in DTYPES:
    name = str(dtype).removeprefix("torch.")
    counts = torch.arange(6).reshape(2, 3)
    tensors[f"b.{name}"] = counts % 2 == 1 if dtype == torch.bool else counts.to(dtype)
    tensors[f"a.{name}"] = torch.zeros((), dtype=dtype)
    tensors[f"c.{name}"] = torch.zeros((0, 4), dtype=dtype)

out = pathlib.Path(__file__).parents[2] / "tests/goldens/io/every_dtype.safetensors"
out.parent.mkdir(parents=True, exist_ok=True)
save_file(tensors, out, metadata={"made_by": f"safetensors {safetensors.__version__}"})
