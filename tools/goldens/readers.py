#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints in the formats that others write, and what those others read in them.

torch.save writes the .pth files, the gguf package the GGUF file; `*.safetensors` beside each holds
the values, dequantised by the gguf package. Needs torch, numpy, safetensors and gguf.
"""

import argparse
import collections
import pathlib

import gguf
import numpy
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file

SEED = 5


def random(*shape, dtype=torch.float32):
    return torch.randn(*shape).to(dtype)


def plain():
    """Every dtype that is read, two views of one storage, a parameter, a transposed tensor."""
    base = random(4, 6)
    return {
        "conv.weight": random(2, 3, 1, 2, 2),
        "double": random(3, dtype=torch.float64),
        "half": random(5, dtype=torch.float16),
        "bfloat": random(7, dtype=torch.bfloat16),
        "long": torch.arange(4),
        "int": torch.arange(3, dtype=torch.int32),
        "byte": torch.arange(9, dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(random(2, 2)),
        "whole": base,
        "rows": base[1:3],
        "transposed": base.t(),
        "columns": base[:, ::2],
    }


def write_torch(folder):
    tensors = plain()
    torch.save(tensors, folder / "plain.pth")
    values = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    save_file(values, folder / "plain.safetensors")
    # As a trainer saves it: an ordered dictionary with torch's note of versions, wrapped twice.
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    state = module.state_dict()
    assert isinstance(state, collections.OrderedDict) and state._metadata
    torch.save({"step": 7, "lr": 1e-4, "note": "x", "generator": {"w": random(1)},
                "generator_ema": {"model": state}}, folder / "nested.pth")
    save_file(dict(state), folder / "nested.safetensors")
    torch.save(tensors, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"optimizer": torch.optim.SGD(module.parameters(), lr=1).state_dict(),
                "w": random(1), "size": torch.Size([1])}, folder / "global.pth")


def random_blocks(generator, rows, num_blocks, dtype):
    """Blocks of any content but for their half-precision scales, which are finite and small."""
    size = gguf.GGML_QUANT_SIZES[dtype][1]
    blocks = generator.integers(0, 256, (rows, num_blocks, size), dtype=numpy.uint8)
    places = {gguf.GGMLQuantizationType.Q8_0: [0], gguf.GGMLQuantizationType.Q4_0: [0],
              gguf.GGMLQuantizationType.Q4_K: [0, 2], gguf.GGMLQuantizationType.Q5_K: [0, 2],
              gguf.GGMLQuantizationType.Q6_K: [208]}[dtype]
    for place in places:
        scales = (generator.standard_normal((rows, num_blocks, 1)) / 64).astype(numpy.float16)
        blocks[:, :, place:place + 2] = scales.view(numpy.uint8)
    return blocks.reshape(rows, num_blocks * size)


def write_gguf(folder):
    generator = numpy.random.default_rng(SEED)
    writer = gguf.GGUFWriter(folder / "blocks.gguf", "wan")
    writer.add_string("general.name", "test")
    writer.add_uint32("general.file_type", 7)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    writer.add_array("comfy.gguf.orig_shape.patch", [3, 2, 1, 2, 2])
    values = {}
    patch = generator.standard_normal((3, 2, 1, 2, 2)).astype(numpy.float32)
    writer.add_tensor("patch", patch.reshape(6, 1, 2, 2))
    values["patch"] = patch
    half = generator.standard_normal((3, 5)).astype(numpy.float16)
    writer.add_tensor("half", half)
    values["half"] = half
    bf16 = generator.standard_normal((2, 8)).astype(numpy.float32)
    data = gguf.quantize(bf16, gguf.GGMLQuantizationType.BF16)
    writer.add_tensor("bf16", data, raw_dtype=gguf.GGMLQuantizationType.BF16)
    values["bf16"] = gguf.dequantize(data, gguf.GGMLQuantizationType.BF16)
    real = generator.standard_normal((3, 96)).astype(numpy.float32)
    data = gguf.quantize(real, gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("q8_0.real", data, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    values["q8_0.real"] = gguf.dequantize(data, gguf.GGMLQuantizationType.Q8_0)
    for name in ("Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"):
        dtype = gguf.GGMLQuantizationType[name]
        data = random_blocks(generator, 3, 2, dtype)
        writer.add_tensor(name, data, raw_dtype=dtype)
        values[name] = gguf.dequantize(data, dtype).astype(numpy.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_numpy({name: numpy.ascontiguousarray(value) for name, value in values.items()},
               folder / "blocks.safetensors",
               metadata={"gguf": "gguf " + gguf.__version__ if hasattr(gguf, "__version__") else "gguf",
                         "seed": str(SEED)})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path,
                        default=pathlib.Path(__file__).parents[2] / "tests/goldens/readers")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    write_torch(arguments.out)
    write_gguf(arguments.out)


if __name__ == "__main__":
    main()
