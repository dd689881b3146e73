#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/goldens/train/*.safetensors: what PyTorch's own optimisers and autograd make of the
same updates.

optimizer.safetensors: weights before and after a few updates by torch.optim.AdamW and Muon.
frame_vae.safetensors: a tiny frame autoencoder written anew with torch.nn.functional, its first
weights, its frames, and its first ten losses; batches and noise come from torch.Generator, which
equals the trainer's generator for an equal seed.
Needs torch 2.11 and safetensors.
"""
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parents[2] / "tests/goldens/train"
METADATA = {"made_by": f"torch {torch.__version__}", "seed": "1"}


# Optimisers ------------------------------------------------------------------------------------
def optimizer_golden():
    random = torch.Generator().manual_seed(1)
    shapes = {"matrix": (5, 3), "vector": (4,), "tall": (6, 4), "wide": (4, 10)}
    start = {name: torch.randn(shape, generator=random) for name, shape in shapes.items()}
    gradients = [{name: torch.randn(shape, generator=random) * 3 for name, shape in shapes.items()}
                 for _ in range(4)]
    factors = [0.25, 0.5, 1.0, 0.7]
    weights = {name: value.clone().requires_grad_() for name, value in start.items()}

    # Muon rounds to bfloat16 before it iterates; ours stays in float32.
    torch.Tensor.bfloat16 = lambda self: self
    adamw = torch.optim.AdamW([{"params": [weights["matrix"]], "weight_decay": 0.01},
                               {"params": [weights["vector"]], "weight_decay": 0.0}],
                              lr=1.0, betas=(0.9, 0.95), eps=1e-8)
    muon = torch.optim.Muon([weights["tall"], weights["wide"]], lr=1.0, weight_decay=0.01,
                            momentum=0.95, nesterov=True, ns_steps=5)
    for factor, gradient in zip(factors, gradients):
        for name, value in gradient.items():
            weights[name].grad = value.clone()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        for group in adamw.param_groups:
            group["lr"] = 1e-2 * factor
        muon.param_groups[0]["lr"] = 2e-2 * factor
        adamw.step()
        muon.step()
    golden = {f"start.{name}": value for name, value in start.items()}
    golden |= {f"end.{name}": value.detach() for name, value in weights.items()}
    for i, gradient in enumerate(gradients):
        golden |= {f"gradient{i}.{name}": value for name, value in gradient.items()}
    golden["factors"] = torch.tensor(factors)
    save_file(golden, OUT / "optimizer.safetensors", METADATA)


# The frame autoencoder -------------------------------------------------------------------------
WIDTHS, LATENT, DEPTH_WIDTH = [8, 8, 12], 16, 64
STEPS, BATCH, CROP, FULL_FROM, FULL_BATCH = 10, 4, 16, 0.7, 2
RATE, DECAY, WARMUP, FINAL, NOISE = 2e-3, 1e-3, 3, 0.02, 0.15


def new_weights(random):
    weights = {}

    def conv(name, in_, out, kernel):
        bound = 1 / math.sqrt(in_ * kernel * kernel)
        for part, shape in (("weight", (out, in_, kernel, kernel)), ("bias", (out,))):
            value = (torch.rand(shape, generator=random) * 2 - 1) * bound
            weights[f"{name}.{part}"] = value.to(torch.bfloat16)  # Rounded, to keep the file small.

    def block(name, width):
        conv(f"{name}.conv1", width, width, 3)
        conv(f"{name}.conv2", width, width, 3)

    conv("encoder.conv_in", 12, WIDTHS[0], 3)
    conv("decoder.conv_in", LATENT, WIDTHS[2], 1)
    for i, width in enumerate(WIDTHS):
        block(f"encoder.levels.{i}.blocks.0", width)
        block(f"decoder.levels.{i}.blocks.0", width)
        wider = (WIDTHS + [None])[i + 1]
        conv(f"encoder.levels.{i}.scale", *((width * 4, wider, 1) if wider else (width, LATENT, 1)))
        conv(f"decoder.levels.{i}.scale", width, *((4 * WIDTHS[i - 1], 1) if i else (12, 3)))
    conv("depth.conv_in", LATENT, DEPTH_WIDTH, 1)
    block("depth.blocks.0", DEPTH_WIDTH)
    block("depth.blocks.1", DEPTH_WIDTH)
    conv("depth.conv_out", DEPTH_WIDTH, 4, 1)
    return weights


def apply_conv(w, name, x):
    weight = w[f"{name}.weight"]
    return F.conv2d(x, weight, w[f"{name}.bias"], padding=weight.shape[-1] // 2)


def apply_block(w, name, x):
    return x + apply_conv(w, f"{name}.conv2", F.relu(apply_conv(w, f"{name}.conv1", F.relu(x))))


def encode(w, pixels):
    x = apply_conv(w, "encoder.conv_in", F.pixel_unshuffle(pixels, 2))
    for i in range(3):
        x = apply_block(w, f"encoder.levels.{i}.blocks.0", x)
        x = apply_conv(w, f"encoder.levels.{i}.scale", F.pixel_unshuffle(x, 2) if i < 2 else x)
    return x


def decode(w, latents):
    x = apply_conv(w, "decoder.conv_in", latents)
    for i in (2, 1, 0):
        x = apply_block(w, f"decoder.levels.{i}.blocks.0", x)
        x = F.pixel_shuffle(apply_conv(w, f"decoder.levels.{i}.scale", x), 2)
    return x


def depth_of(w, latents):
    x = apply_conv(w, "depth.conv_in", latents)
    x = apply_block(w, "depth.blocks.1", apply_block(w, "depth.blocks.0", x))
    return torch.sigmoid(F.pixel_shuffle(apply_conv(w, "depth.conv_out", x), 2))


def draw(frames, depth, step, random):
    height, width = frames.shape[2:]
    whole = step >= FULL_FROM * STEPS
    count, rows, columns = (FULL_BATCH, height, width) if whole else (BATCH, CROP, CROP)

    def below(end):
        return torch.randint(0, end, (count,), generator=random).tolist()

    index, top, left = below(len(frames)), below((height - rows) // 4 + 1), below((width - columns) // 4 + 1)
    pixels, maps = [], []
    for n, y, x, flip in zip(index, top, left, below(2)):
        picture = frames[n, :, 4 * y:4 * y + rows, 4 * x:4 * x + columns]
        map_ = depth[n, y:y + rows // 4, x:x + columns // 4]
        pixels.append(picture.flip(2) if flip else picture)
        maps.append(map_.flip(1) if flip else map_)
    return torch.stack(pixels).float() / 127.5 - 1, torch.stack(maps)[:, None].float() / 255


def vae_loss(w, frames, depth, step, random):
    pixels, wanted_depth = draw(frames, depth, step, random)
    latents = encode(w, pixels)
    strength = torch.rand(len(latents), 1, 1, 1, generator=random) * NOISE * latents.detach().std()
    decoded = decode(w, latents + torch.randn(latents.shape, generator=random) * strength)
    gradients = sum((decoded.diff(dim=d) - pixels.diff(dim=d)).abs().mean() for d in (2, 3))
    return ((decoded - pixels).abs().mean() + ((decoded - pixels) ** 2).mean() + 0.25 * gradients
            + 1e-3 * (latents ** 2).mean() + 0.5 * (depth_of(w, latents) - wanted_depth).abs().mean())


def frame_vae_golden():
    random = torch.Generator().manual_seed(1)
    start = new_weights(random)
    y, x = torch.meshgrid(torch.arange(32.), torch.arange(48.), indexing="ij")
    frames = torch.stack([torch.stack([128 + 90 * torch.sin(0.11 * (c + 1) * x + 0.3 * n * y)
                                       for c in range(3)]) for n in range(4)]).to(torch.uint8)
    depth = frames[:, 0, ::4, ::4].clone()

    w = {name: value.float().requires_grad_() for name, value in start.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [v for v in w.values() if v.dim() >= 2], "weight_decay": DECAY},
         {"params": [v for v in w.values() if v.dim() < 2], "weight_decay": 0.0}],
        lr=RATE, betas=(0.9, 0.95), eps=1e-8)
    batches = torch.Generator().manual_seed(7)
    losses = []
    for step in range(STEPS):
        cosine = 0.5 * (1 + math.cos(math.pi * step / STEPS))
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / WARMUP) * (FINAL + (1 - FINAL) * cosine)
        loss = vae_loss(w, frames, depth, step, batches)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    print("losses:", losses)
    golden = {f"weights.{name}": value for name, value in start.items()}
    golden |= {"frames": frames.contiguous(), "depth": depth.contiguous(), "losses": torch.tensor(losses)}
    save_file(golden, OUT / "frame_vae.safetensors", METADATA)


OUT.mkdir(parents=True, exist_ok=True)
frame_vae_golden()
optimizer_golden()
