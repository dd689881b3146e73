# SPDX-License-Identifier: Apache-2.0
"""Goldens of Micro-World's ActionModule, transcribed from its description in plain PyTorch.

    python tools/goldens/action_module.py tests/goldens/wan

Needs torch. Float64 throughout, stored as float32: `weights.*`, `keyboard`, `mouse`, `features`.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import gelu, linear

SEED = 0
ACTION_DIM, WINDOW, RATIO, LATENT_FRAMES = 48, 3, 4, 6


def rows_of(latent_frame):
    """Twelve raw rows, oldest first: the own four and the eight before; never row 0 after frame 0."""
    if latent_frame == 0:
        return [0] * (WINDOW * RATIO)
    rows = [r for r in range(RATIO * (latent_frame - WINDOW) + 1, RATIO * latent_frame + 1) if r >= 1]
    return [rows[0]] * (WINDOW * RATIO - len(rows)) + rows


def mlp(weights, name, x):
    x = gelu(linear(x, weights[f"{name}.0.weight"], weights[f"{name}.0.bias"]))
    return linear(x, weights[f"{name}.2.weight"], weights[f"{name}.2.bias"])


def features(weights, keyboard, mouse):
    angles = torch.arange(keyboard.shape[1]).double()[:, None] * 10000.0 ** (-torch.arange(32) / 32)
    keys = mlp(weights, "keyboard_embedding", keyboard) + torch.cat([angles.cos(), angles.sin()], 1)
    out = []
    for frame in range(LATENT_FRAMES):
        rows = rows_of(frame)
        mouse_part = mlp(weights, "mouse_mlp", mouse[:, rows].flatten(1))
        keyboard_part = mlp(weights, "keyboard_mlp", keys[:, rows].flatten(1))
        out.append(mlp(weights, "action_mlp", torch.cat([mouse_part, keyboard_part], 1)))
    return torch.stack(out, 1)


def main(folder):
    torch.manual_seed(SEED)
    half, group = ACTION_DIM // 2, WINDOW * RATIO
    sizes = {
        "mouse_mlp": (group * 2, half, half),
        "keyboard_embedding": (7, 64, 64),
        "keyboard_mlp": (group * 64, half, half),
        "action_mlp": (ACTION_DIM, half, ACTION_DIM),
    }
    weights = {}
    for name, (inner, hidden, outer) in sizes.items():
        for layer, (rows, columns) in {0: (hidden, inner), 2: (outer, hidden)}.items():
            weights[f"{name}.{layer}.weight"] = torch.randn(rows, columns).double() / columns**0.5
            weights[f"{name}.{layer}.bias"] = 0.3 * torch.randn(rows).double()
    weights = {k: v.float().double() for k, v in weights.items()}
    frames = RATIO * (LATENT_FRAMES - 1) + 1
    keyboard = (torch.rand(2, frames, 7) < 0.4).double()
    mouse = (3 * torch.randn(2, frames, 2)).float().double()

    tensors = {f"weights.{k}": v for k, v in weights.items()}
    tensors |= dict(keyboard=keyboard, mouse=mouse, features=features(weights, keyboard, mouse))
    path = Path(folder) / "action_module.safetensors"
    save_file({k: v.float().contiguous() for k, v in tensors.items()}, path,
              {"source": f"this script, torch {torch.__version__}, seed {SEED}"})
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, "
          f"|features| <= {tensors['features'].abs().max():.2f}")


if __name__ == "__main__":
    main(sys.argv[1])
