#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/goldens/train/base.safetensors: the first losses of a tiny base model's run.

The causal transformer, its action module, the camera prior's velocity and the loss are written anew
with torch.nn.functional; random numbers come from torch.Generator in the trainer's order, which
equals the trainer's generator for an equal seed. Needs torch 2.11 and safetensors.
"""
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parents[2] / "tests/goldens/train"
DIM, LAYERS, HEADS, FFN, ACTION, TEXT, TEXT_LEN, FREQ = 48, 2, 2, 96, 32, 8, 4, 256
ROWS, COLUMNS, CLIP, FRAMES, BATCH, LEAD = 4, 6, 9, 3, 4, 3
STEPS, RATE, DECAY, WARMUP = 6, 2e-3, 0.01, 3
SHIFT, SPREAD, CONTEXT, CONTEXT_SIGMA, NOISE, DROPOUT, BEGIN = 3.0, 1.2, 0.15, 0.15, 0.15, 0.04, 0.08
STILL, LOOK, UNSEEN = 0.01, 0.04, 0.8
EDGES, WALK = [0.5, 1.0, 2.0, 4.0], [0.05, 0.1, 0.2, 0.3, 0.4]


def new_weights(random):
    shapes = {"patch_embedding.weight": (DIM, 36, 1, 2, 2), "patch_embedding.bias": (DIM,),
              "head.modulation": (1, 2, DIM)}

    def linear(name, in_, out):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (out, in_), (out,)

    linear("text_embedding.0", TEXT, DIM)
    linear("text_embedding.2", DIM, DIM)
    linear("time_embedding.0", FREQ, DIM)
    linear("time_embedding.2", DIM, DIM)
    linear("time_projection.1", DIM, 6 * DIM)
    linear("head.head", DIM, 64)
    linear("action_preprocess.mouse_mlp.0", 3 * 2, ACTION // 2)
    linear("action_preprocess.mouse_mlp.2", ACTION // 2, ACTION // 2)
    linear("action_preprocess.keyboard_embedding.0", 7, 64)
    linear("action_preprocess.keyboard_embedding.2", 64, 64)
    linear("action_preprocess.keyboard_mlp.0", 3 * 64, ACTION // 2)
    linear("action_preprocess.keyboard_mlp.2", ACTION // 2, ACTION // 2)
    linear("action_preprocess.action_mlp.0", ACTION, ACTION // 2)
    linear("action_preprocess.action_mlp.2", ACTION // 2, ACTION)
    for i in range(LAYERS):
        b = f"blocks.{i}"
        shapes[f"{b}.modulation"] = (1, 6, DIM)
        for attention in ("self_attn", "cross_attn"):
            for part in "qkvo":
                linear(f"{b}.{attention}.{part}", DIM, DIM)
            for part in "qk":
                shapes[f"{b}.{attention}.norm_{part}.weight"] = (DIM,)
        shapes[f"{b}.norm3.weight"] = shapes[f"{b}.norm3.bias"] = (DIM,)
        linear(f"{b}.ffn.0", DIM, FFN)
        linear(f"{b}.ffn.2", FFN, DIM)
        linear(f"{b}.action_adaLN_modulation.1", ACTION, 6 * DIM)
    weights = {}
    for name, shape in shapes.items():
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else 16
        value = torch.randn(shape, generator=random) / math.sqrt(fan_in)
        if "norm" in name and name.endswith("weight"):
            value = 1 + 0.1 * value
        weights[name] = value.to(torch.bfloat16)  # Rounded, to keep the file small.
    return weights


def new_clip(random):
    start = torch.randn(1, 16, ROWS, COLUMNS, generator=random)
    drift = 0.3 * torch.randn(1, 16, ROWS, COLUMNS, generator=random)
    latents = start + drift * torch.arange(float(CLIP)).view(-1, 1, 1, 1)
    mask = torch.rand(CLIP, 4, ROWS, COLUMNS, generator=random)
    mask[0] = 0
    hints = torch.cat([torch.zeros(1, 16, ROWS, COLUMNS), latents[:-1]])
    return {"latents": latents.half(), "hints": hints.half(), "mask": mask.half(),
            "parallax": (5 * torch.rand(CLIP, 1, ROWS, COLUMNS, generator=random)).half(),
            "classes": torch.arange(CLIP) % 3,
            "keyboard": torch.randint(0, 2, (CLIP, 7), generator=random).float(),
            "mouse": torch.randn(CLIP, 2, generator=random),
            "poses": torch.zeros(CLIP, 5, dtype=torch.float64)}


# The model -------------------------------------------------------------------------------------
def linear(w, name, x):
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def sinusoid(t, dim):
    frequencies = 10000.0 ** (-torch.arange(dim // 2, dtype=torch.float64) / (dim // 2))
    angles = t.double()[..., None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], -1).float()


def rotate(x, angles):  # x: [B, L, N, D]; angles: [L, D / 2]
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    turn = torch.polar(torch.ones_like(angles), angles).to(torch.complex64)
    return torch.view_as_real(pairs * turn[None, :, None]).flatten(-2)


def rope_angles(frames, rows, columns):
    head = DIM // HEADS
    space = 2 * (head // 6)
    axes = []
    for size, width in ((frames, head - 2 * space), (rows, space), (columns, space)):
        frequencies = 10000.0 ** (-2 * torch.arange(width // 2, dtype=torch.float64) / width)
        axes.append(torch.arange(size, dtype=torch.float64)[:, None] * frequencies)
    t, y, x = axes
    grid = (frames, rows, columns)
    return torch.cat([t[:, None, None].expand(*grid, -1), y[None, :, None].expand(*grid, -1),
                      x[None, None].expand(*grid, -1)], -1).flatten(0, 2)


def attend(w, name, x, context, angles=None, mask=None):
    def part(letter, source):
        y = linear(w, f"{name}.{letter}", source)
        if letter != "v":
            y = F.rms_norm(y, (DIM,), w[f"{name}.norm_{letter}.weight"], 1e-6)
        y = y.unflatten(-1, (HEADS, -1))
        return rotate(y, angles) if angles is not None and letter != "v" else y

    q, k, v = (part(letter, source).transpose(1, 2)
               for letter, source in (("q", x), ("k", context), ("v", context)))
    scores = q @ k.transpose(2, 3) / math.sqrt(DIM // HEADS)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return linear(w, f"{name}.o", (scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


def action_features(w, keyboard, mouse):  # Rows with their lead -> [B, T, ACTION]
    def mlp(name, x):
        return linear(w, f"action_preprocess.{name}.2",
                      F.gelu(linear(w, f"action_preprocess.{name}.0", x)))

    keys = mlp("keyboard_embedding", keyboard)
    count = keyboard.shape[1] - LEAD
    groups = [list(range(LEAD + i - 2, LEAD + i + 1)) for i in range(count)]
    keys = keys[:, groups] + sinusoid(torch.arange(3), 64)  # [B, T, 3, 64]
    return mlp("action_mlp", torch.cat([mlp("mouse_mlp", mouse[:, groups].flatten(2)),
                                        mlp("keyboard_mlp", keys.flatten(2))], -1))


def transformer(w, x, timesteps, keyboard, mouse):
    batch, _, frames, height, width = x.shape
    rows, columns = height // 2, width // 2
    patches = F.conv3d(x, w["patch_embedding.weight"], w["patch_embedding.bias"], stride=(1, 2, 2))
    x = patches.flatten(2).transpose(1, 2)
    text = torch.zeros(batch, TEXT_LEN, TEXT)
    text = linear(w, "text_embedding.2", F.gelu(linear(w, "text_embedding.0", text), approximate="tanh"))
    e = linear(w, "time_embedding.2", F.silu(linear(w, "time_embedding.0", sinusoid(timesteps, FREQ))))
    e0 = linear(w, "time_projection.1", F.silu(e)).unflatten(2, (6, DIM))
    actions = F.silu(action_features(w, keyboard, mouse))
    angles = rope_angles(frames, rows, columns)
    frame = torch.arange(frames).repeat_interleave(rows * columns)
    mask = frame[None, :] <= frame[:, None]

    def spread(m):  # [B, T, DIM] -> [B, L, DIM]
        return m.repeat_interleave(rows * columns, 1)

    for i in range(LAYERS):
        b = f"blocks.{i}"
        m = e0 + w[f"{b}.modulation"][:, None] \
            + linear(w, f"{b}.action_adaLN_modulation.1", actions).unflatten(2, (6, DIM))
        shift1, scale1, gate1, shift2, scale2, gate2 = (spread(m[:, :, k]) for k in range(6))
        y = F.layer_norm(x, (DIM,), eps=1e-6) * (1 + scale1) + shift1
        x = x + attend(w, f"{b}.self_attn", y, y, angles, mask) * gate1
        y = F.layer_norm(x, (DIM,), w[f"{b}.norm3.weight"], w[f"{b}.norm3.bias"], 1e-6)
        x = x + attend(w, f"{b}.cross_attn", y, text)
        y = F.layer_norm(x, (DIM,), eps=1e-6) * (1 + scale2) + shift2
        x = x + linear(w, f"{b}.ffn.2", F.gelu(linear(w, f"{b}.ffn.0", y), approximate="tanh")) * gate2
    m = e[:, :, None] + w["head.modulation"][:, None]
    x = F.layer_norm(x, (DIM,), eps=1e-6) * (1 + spread(m[:, :, 1])) + spread(m[:, :, 0])
    x = linear(w, "head.head", x).view(batch, frames, rows, columns, 2, 2, 16)
    return x.permute(0, 6, 1, 2, 4, 3, 5).reshape(batch, 16, frames, height, width)


# The loss --------------------------------------------------------------------------------------
def over(x):
    return x[:, None, :, None, None]


def variance(classes, mask, parallax):
    walk = torch.tensor(WALK)[torch.bucketize(parallax, torch.tensor(EDGES))]
    by_class = torch.where(over(classes) == 2, walk,
                           torch.where(over(classes) == 1, torch.full_like(walk, LOOK),
                                       torch.full_like(walk, STILL)))
    seen = mask.mean(1, keepdim=True)
    return by_class * seen + (1 - seen) * UNSEEN


def base_loss(w, clip, random):
    starts = torch.randint(CLIP - FRAMES + 1, (BATCH,), generator=random)
    index = starts[:, None] + torch.arange(FRAMES)

    def frames(name):
        return clip[name][index].float().transpose(1, 2)

    padded = {name: F.pad(clip[name], (0, 0, LEAD, 0)) for name in ("keyboard", "mouse")}
    rows = starts[:, None] + torch.arange(LEAD + FRAMES)
    z, hints, mask = frames("latents"), frames("hints"), frames("mask")

    def uniform(*shape):
        return torch.rand(shape, generator=random)

    is_context = uniform(BATCH, FRAMES) < CONTEXT
    dropped = uniform(BATCH, FRAMES) < DROPOUT
    dropped[:, 0] |= uniform(BATCH) < BEGIN
    hints, mask = hints * over(~dropped), mask * over(~dropped)

    u = torch.sigmoid(torch.randn(BATCH, FRAMES, generator=random) * SPREAD)
    noisy_sigma = SHIFT * u / (1 + (SHIFT - 1) * u)
    sigma = torch.where(is_context, uniform(BATCH, FRAMES) * CONTEXT_SIGMA, noisy_sigma)
    strength = over(uniform(BATCH, FRAMES) * NOISE)
    has_hint = mask.sum((1, 3, 4), keepdim=True) > 0
    hints = hints + torch.randn(hints.shape, generator=random) * strength * has_hint
    noise = torch.randn(z.shape, generator=random)
    s = over(sigma)
    x = (1 - s) * z + s * noise

    network = transformer(w, torch.cat([x, mask, hints], 1), 1000 * sigma,
                          padded["keyboard"][rows], padded["mouse"][rows])
    v = torch.where(has_hint, variance(clip["classes"][index], mask, frames("parallax")),
                    torch.ones(()))
    denominator = s ** 2 / v + (1 - s) ** 2
    prior = (s * (x - hints) / v - (1 - s) * x) / denominator
    return ((prior + network / denominator.sqrt() - (noise - z)) ** 2).mean()


random = torch.Generator().manual_seed(1)
start, clip = new_weights(random), new_clip(random)
w = {name: value.float().requires_grad_() for name, value in start.items()}
optimizer = torch.optim.AdamW(
    [{"params": [v for v in w.values() if v.dim() >= 2], "weight_decay": DECAY},
     {"params": [v for v in w.values() if v.dim() < 2], "weight_decay": 0.0}],
    lr=RATE, betas=(0.9, 0.95), eps=1e-8)
batches = torch.Generator().manual_seed(7)
losses = []
for step in range(STEPS):
    for group in optimizer.param_groups:
        group["lr"] = RATE * min(1, (step + 1) / WARMUP)
    loss = base_loss(w, clip, batches)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
    optimizer.step()
    losses.append(loss.item())
print("losses:", losses)
OUT.mkdir(parents=True, exist_ok=True)
golden = {f"weights.{name}": value for name, value in start.items()}
golden |= {f"clip.{name}": value.contiguous() for name, value in clip.items()}
golden["losses"] = torch.tensor(losses)
save_file(golden, OUT / "base.safetensors", {"made_by": f"torch {torch.__version__}", "seed": "1"})
