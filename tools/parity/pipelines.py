#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole pipelines against their references, from the same noise to pixels, on fresh random models.

    python tools/parity/pipelines.py [--mw build/mw] [--seed N] [--task t2v|i2v|t2w|i2w] [--json FILE]

Needs torch, diffusers, transformers and sentencepiece.

t2v and i2v run diffusers' WanPipeline and WanImageToVideoPipeline; t2w and i2w a transcription of
Micro-World's transformers (tools/goldens/action_models.py) with diffusers' UniPC. Prints, for each
task, sampler and number of steps, the largest differences of latents and video in float32, and in
bfloat16 the mean squared error over the mean square of the float32 reference, beside the reference's own.
Exit status 1 when float32 is off by more
than 1e-4, or bfloat16 by more than 1e-4 and more than the reference itself (with a tenth for chance).
"""

import argparse
import copy
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_models import (FRAMES, HEIGHT, IMAGE_SIZE, WIDTH, TinyModel, make_scheduler, padded,
                         write_micro_world)

PROMPT, NEGATIVE, GUIDANCE = "a walk through a green meadow", "blurred, dark", 4.0
ACTIONS = "w*1, d+right(3)*2, space*1"
LARGEST_FP32, LARGEST_BF16, CHANCE = 1e-4, 1e-4, 1.1


def picture():
    y, x = numpy.mgrid[0:41, 0:67]
    waves = [numpy.sin(x / 5.0), numpy.cos(y / 4.0 + x / 9.0), numpy.sin(x * y / 60.0)]
    return Image.fromarray(numpy.stack([128 + 100 * w for w in waves], -1).astype(numpy.uint8))


def run_mw(program, folder, arguments):
    out = folder / "out.safetensors"
    command = [program, "generate", "--prompt", PROMPT, "--frames", str(FRAMES), "--size",
               f"{WIDTH}x{HEIGHT}", "--guidance", str(GUIDANCE), "--noise",
               str(folder / "noise.safetensors"), "--out", str(out), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{result.stderr}")
    return load_file(out)


def nmse(got, want):
    return ((got.double() - want.double()).square().mean() / want.double().square().mean()).item()


def diffusers_latents(model, sampler, steps, noise, image, dtype):
    from diffusers import WanImageToVideoPipeline, WanPipeline
    from transformers import CLIPImageProcessor
    parts = dict(tokenizer=None, text_encoder=None, vae=model.vae,
                 transformer=copy.deepcopy(model.transformer).to(dtype),
                 scheduler=make_scheduler(sampler, model.shift))
    more = {}
    if image is None:
        pipe = WanPipeline(**parts)
    else:
        processor = CLIPImageProcessor(size={"shortest_edge": IMAGE_SIZE}, crop_size=IMAGE_SIZE)
        pipe = WanImageToVideoPipeline(**parts, image_encoder=model.image_encoder,
                                       image_processor=processor)
        more["image"] = image
    pipe.set_progress_bar_config(disable=True)
    embed = {"prompt_embeds": padded(model.embed(PROMPT, dtype)),
             "negative_prompt_embeds": padded(model.embed(NEGATIVE, dtype))}
    latents = pipe(height=HEIGHT, width=WIDTH, num_frames=FRAMES, num_inference_steps=steps,
                   guidance_scale=GUIDANCE, latents=noise, output_type="latent", return_dict=False,
                   **embed, **more)[0]
    return latents.float()


def compare(task, sampler, steps, got, want, half, peer_half):
    row = {"task": task, "sampler": sampler, "steps": steps}
    for name in ("latents", "video"):
        row[f"{name}_max_abs"] = (got[name] - want[name]).abs().max().item()
        row[f"{name}_bf16"] = nmse(half[name], want[name])
        row[f"{name}_bf16_peer"] = nmse(peer_half[name], want[name])
    peer = f" (reference {row['latents_bf16_peer']:.1e})"
    row["is_ok"] = (row["latents_max_abs"] <= LARGEST_FP32 and row["video_max_abs"] <= LARGEST_FP32
                    and row["latents_bf16"] <= max(LARGEST_BF16, CHANCE * row["latents_bf16_peer"]))
    print(f"{task}  {sampler:6}{steps:3} steps  fp32 latents {row['latents_max_abs']:.1e} "
          f"video {row['video_max_abs']:.1e}  bf16 latents {row['latents_bf16']:.1e}{peer} "
          f"video {row['video_bf16']:.1e}  {'ok' if row['is_ok'] else 'MISSED'}", flush=True)
    return row


def draw_noise():
    return torch.randn(1, 16, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8)


def wan_rows(program, folder, task, seed):
    model = TinyModel(folder / "model", task == "i2v", seed)
    image = picture() if task == "i2v" else None
    arguments = ["--model", model.folder, "--negative-prompt", NEGATIVE]
    if image:
        image.save(folder / "start.png")
        arguments += ["--image", folder / "start.png"]
    noise = draw_noise()
    save_file({"noise": noise}, folder / "noise.safetensors")
    for sampler, steps in [("unipc", 4), ("unipc", 30), ("dpm++", 8), ("euler", 8)]:
        results = []
        for dtype in (torch.float32, torch.bfloat16):
            latents = diffusers_latents(model, sampler, steps, noise, image, dtype)
            results.append({"latents": latents, "video": model.decode(latents)})
        more = arguments + ["--sampler", sampler, "--steps", steps]
        yield compare(task, sampler, steps, run_mw(program, folder, more + ["--dtype", "fp32"]),
                      results[0], run_mw(program, folder, more + ["--dtype", "bf16"]), results[1])


def action_rows():
    keyboard, mouse = torch.zeros(1, FRAMES, 7), torch.zeros(1, FRAMES, 2)
    keyboard[0, 1, 0] = 1
    keyboard[0, 2:4, 3] = 1
    mouse[0, 2:4, 1] = 3
    keyboard[0, 4, 4] = 1
    return keyboard, mouse


def micro_world_image(model, image):
    """Channels behind the noise, and image tokens, by Micro-World's rules."""
    def unit(bytes_):
        return torch.from_numpy(numpy.array(bytes_)).permute(2, 0, 1)[None].float() / 255

    stretched = image.resize((WIDTH, HEIGHT), Image.BICUBIC)
    video = torch.zeros(1, 3, FRAMES, HEIGHT, WIDTH)
    video[:, :, 0] = unit(stretched) * 2 - 1
    latents = model.encode(video)
    mask = torch.zeros(1, 4, *latents.shape[2:])
    mask[:, :, 0] = 1
    cut = (unit(stretched) * 255).byte().float() / 255
    small = torch.nn.functional.interpolate(cut * 2 - 1, (IMAGE_SIZE, IMAGE_SIZE), mode="bicubic",
                                            align_corners=False) * 0.5 + 0.5
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)
    states = model.image_encoder((small - mean) / deviation, output_hidden_states=True)
    return torch.cat([mask, latents], 1), states.hidden_states[-2]


def micro_world_reference(base, velocity, noise, image, steps, dtype=torch.float32):
    channels = image_tokens = None
    if image:
        channels, image_tokens = micro_world_image(base, image)
    scheduler = make_scheduler("unipc", 3.0)
    scheduler.set_timesteps(steps)
    x, texts = noise, [base.embed(NEGATIVE, dtype), base.embed(PROMPT, dtype)]
    for t in scheduler.timesteps:
        given = x if channels is None else torch.cat([x, channels], 1)
        negative, positive = (velocity(given, t, text, image_tokens, *action_rows(), dtype)
                              for text in texts)
        v = negative + GUIDANCE * (positive - negative)
        x = scheduler.step(v, t, x, return_dict=False)[0]
    return {"latents": x, "video": base.decode(x)}


def micro_world_rows(program, folder, task, seed):
    image = picture() if task == "i2w" else None
    base = TinyModel(folder / "base", image is not None, seed)
    velocity = write_micro_world(folder / "world", image is None, seed)
    arguments = ["--model", folder / "world", "--base", base.folder, "--actions", ACTIONS,
                 "--negative-prompt", NEGATIVE, "--steps", 6, "--shift", 3, "--teacache", 0]
    if image:
        image.save(folder / "start.png")
        arguments += ["--image", folder / "start.png"]
    noise = draw_noise()
    save_file({"noise": noise}, folder / "noise.safetensors")
    want, peer = (micro_world_reference(base, velocity, noise, image, 6, dtype)
                  for dtype in (torch.float32, torch.bfloat16))
    yield compare(task, "unipc", 6, run_mw(program, folder, arguments + ["--dtype", "fp32"]), want,
                  run_mw(program, folder, arguments + ["--dtype", "bf16"]), peer)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mw", default="build/mw")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--task", choices=["t2v", "i2v", "t2w", "i2w"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else torch.seed() % 100000
    print(f"seed {seed}")
    rows = []
    with torch.no_grad():
        for task in [options.task] if options.task else ["t2v", "i2v", "t2w", "i2w"]:
            torch.manual_seed(seed)
            with tempfile.TemporaryDirectory() as folder:
                make = micro_world_rows if task.endswith("w") else wan_rows
                rows += make(options.mw, Path(folder), task, seed)
    if options.json:
        options.json.write_text(json.dumps({"seed": seed, "rows": rows}, indent=2) + "\n")
    sys.exit(0 if all(row["is_ok"] for row in rows) else 1)


if __name__ == "__main__":
    main()
