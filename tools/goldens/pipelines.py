# SPDX-License-Identifier: Apache-2.0
"""Goldens of whole pipelines: the noise, what the reference makes of it, and how to draw the weights.

    python tools/goldens/pipelines.py tests/goldens/pipelines

Needs torch, diffusers, transformers and sentencepiece. Models and references are those of
tools/parity/pipelines.py. The metadata's `parts` holds, for each network, its config and a row
[name, shape, scale, offset] for each tensor, from which tests/support/tiny_pipeline.cpp draws it.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
import pipelines  # noqa: E402
from tiny_models import TinyModel, write_micro_world  # noqa: E402

SEED, STEPS = 5, 4


def part(folder, name, recipe, seed, file="diffusion_pytorch_model.safetensors"):
    config = json.loads((folder / name / "config.json").read_text())
    return {"config": config, "file": file, "seed": seed, "tensors": recipe}


def parts_of(model, seed):
    folder = model.folder
    parts = {"transformer": part(folder, "transformer", model.transformer.recipe, seed),
             "vae": part(folder, "vae", model.vae.recipe, seed + 1),
             "text_encoder": part(folder, "text_encoder", model.text_encoder.recipe, seed + 2,
                                  "model.safetensors")}
    if model.image_encoder:
        parts["image_encoder"] = part(folder, "image_encoder", model.image_encoder.recipe, seed + 3,
                                      "model.safetensors")
    scheduler = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    return parts, scheduler


def make(task, output):
    torch.manual_seed(SEED)
    image = pipelines.picture() if task.startswith("i") else None
    noise = pipelines.draw_noise()
    with tempfile.TemporaryDirectory() as folder:
        model = TinyModel(Path(folder) / "model", image is not None, SEED)
        parts, scheduler = parts_of(model, SEED)
        if task.endswith("w"):
            velocity = write_micro_world(Path(folder) / "world", image is None, SEED)
            want = pipelines.micro_world_reference(model, velocity, noise, image, STEPS)
            parts["transformer"] = {"config": velocity.config, "seed": SEED + 4,
                                    "file": "diffusion_pytorch_model.safetensors",
                                    "tensors": velocity.recipe}
        else:
            latents = pipelines.diffusers_latents(model, "unipc", STEPS, noise, image,
                                                  torch.float32)
            want = {"latents": latents, "video": model.decode(latents)}
    metadata = {"parts": json.dumps(parts, separators=(",", ":")),
                "scheduler": json.dumps(scheduler), "prompt": pipelines.PROMPT,
                "negative_prompt": pipelines.NEGATIVE, "actions": pipelines.ACTIONS,
                "guidance": str(pipelines.GUIDANCE), "steps": str(STEPS)}
    tensors = {"noise": noise, **want}
    if image:
        import numpy
        tensors["image"] = torch.from_numpy(numpy.array(image))
    path = Path(output) / f"{task}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, |latents| <= {want['latents'].abs().max():.2f}, "
          f"video deviates by {want['video'].std():.2f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        for name in ["t2v", "i2v", "t2w", "i2w"]:
            make(name, sys.argv[1])
