# SPDX-License-Identifier: Apache-2.0
"""Goldens of Micro-World's two transformers, transcribed from their description in plain PyTorch.

    python tools/goldens/action_models.py tests/goldens/wan

Needs torch. Writes control.safetensors (text to world: a control branch) and adaln.safetensors
(image to world: actions in the modulation), each with `weights.*` under the release's names,
`in.*`, `tokens.*` after the patch embedding and after every block, and `sample`. Float64
throughout, stored as float32. The metadata holds the config as JSON and the error of the same code
in bfloat16, with modulation, norms and time embedding in float32, as the release runs it: mean
squared difference to float64 over the mean square of float64.
"""

import json
import sys
from pathlib import Path

import torch
from action_module import mlp, rows_of
from safetensors.torch import save_file
from torch.nn.functional import gelu, layer_norm, linear, silu, softmax

SEED = 0
DIM, HEADS, FFN, LAYERS, FREQ, TEXT, TEXT_LEN, ACTION = 24, 2, 40, 3, 32, 12, 6, 16
FRAMES, ROWS, COLUMNS = 3, 2, 3
EPS = 1e-6


class Model:
    """One forward pass over a dictionary of weights; `dtype` is that of products and the stream."""

    def __init__(self, weights, dtype):
        self.w = weights
        self.dtype = dtype
        self.wide = torch.float64 if dtype == torch.float64 else torch.float32

    def lin(self, name, x):
        dtype = self.w[f"{name}.weight"].dtype
        return linear(x.to(dtype), self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def lin_wide(self, name, x):
        return linear(x.to(self.wide), self.w[f"{name}.weight"].to(self.wide),
                      self.w[f"{name}.bias"].to(self.wide))

    def rms(self, name, x):
        wide = x.to(self.wide)
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + EPS)
        return x * scale.to(x.dtype) * self.w[f"{name}.weight"].to(x.dtype)

    def norm(self, x, name=None, eps=EPS):
        affine = [self.w[f"{name}.{part}"].to(self.wide) for part in ("weight", "bias")] if name \
            else [None, None]
        return layer_norm(x.to(self.wide), x.shape[-1:], *affine, eps)

    def heads(self, x):
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)  # [B, N, L, D]

    def attend(self, q, k, v):
        scores = q.to(self.wide) @ k.to(self.wide).transpose(-1, -2) / q.shape[-1] ** 0.5
        return (softmax(scores, -1).to(v.dtype) @ v).transpose(1, 2).flatten(2)

    def rotate(self, x):
        """Adjacent pairs; the head is split between frame, row and column."""
        size = x.shape[-1]
        parts = (size - 4 * (size // 6), 2 * (size // 6), 2 * (size // 6))
        grid = torch.cartesian_prod(*(torch.arange(n).double() for n in (FRAMES, ROWS, COLUMNS)))
        angles = torch.cat([grid[:, axis, None] * 10000.0 ** (-torch.arange(0, m, 2).double() / m)
                            for axis, m in enumerate(parts)], 1)
        pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
        turned = pairs * torch.polar(torch.ones_like(angles), angles)
        return torch.view_as_real(turned).flatten(-2).to(x.dtype)

    def block(self, name, x, context, time, action=None):
        m = self.w[f"{name}.modulation"].to(self.wide)[:, None] + time  # [B, F or 1, 6, C]
        if action is not None:
            by_action = self.lin(f"{name}.action_adaLN_modulation.1", silu(action))
            m = m + by_action.unflatten(-1, (6, -1)).to(self.wide)
        m = m.repeat_interleave(x.shape[1] // m.shape[1], 1)  # One row for each token.
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = m.unbind(2)
        z = (self.norm(x) * (1 + scale_a) + shift_a).to(self.dtype)
        q, k, v = (self.lin(f"{name}.self_attn.{p}", z) for p in "qkv")
        q = self.rotate(self.heads(self.rms(f"{name}.self_attn.norm_q", q)))
        k = self.rotate(self.heads(self.rms(f"{name}.self_attn.norm_k", k)))
        y = self.lin(f"{name}.self_attn.o", self.attend(q, k, self.heads(v)))
        x = (x + y * gate_a).to(self.dtype)
        x = x + self.cross(f"{name}.cross_attn", self.norm(x, f"{name}.norm3"), context)
        z = (self.norm(x) * (1 + scale_f) + shift_f).to(self.dtype)
        y = self.lin(f"{name}.ffn.2", gelu(self.lin(f"{name}.ffn.0", z), approximate="tanh"))
        return (x + y * gate_f).to(self.dtype)

    def cross(self, name, x, context):
        text, image = context[:, -TEXT_LEN:], context[:, :-TEXT_LEN]
        q = self.heads(self.rms(f"{name}.norm_q", self.lin(f"{name}.q", x)))
        k = self.heads(self.rms(f"{name}.norm_k", self.lin(f"{name}.k", text)))
        out = self.attend(q, k, self.heads(self.lin(f"{name}.v", text)))
        if image.shape[1]:
            k = self.heads(self.rms(f"{name}.norm_k_img", self.lin(f"{name}.k_img", image)))
            out = out + self.attend(q, k, self.heads(self.lin(f"{name}.v_img", image)))
        return self.lin(f"{name}.o", out)

    def action_features(self, keyboard, mouse):
        part = {k[len("action_preprocess."):]: v for k, v in self.w.items()
                if k.startswith("action_preprocess.")}
        keyboard, mouse = keyboard.to(self.dtype), mouse.to(self.dtype)
        f = 10000.0 ** (-torch.arange(32).double() / 32)
        angles = torch.arange(keyboard.shape[1]).double()[:, None] * f
        keys = mlp(part, "keyboard_embedding", keyboard)
        keys = (keys + torch.cat([angles.cos(), angles.sin()], 1)).to(self.dtype)
        out = []
        for frame in range(FRAMES):
            rows = rows_of(frame)
            pair = [mlp(part, "mouse_mlp", mouse[:, rows].flatten(1)),
                    mlp(part, "keyboard_mlp", keys[:, rows].flatten(1))]
            out.append(mlp(part, "action_mlp", torch.cat(pair, 1)))
        return torch.stack(out, 1)

    def image_tokens(self, image):
        x = self.norm(image, "img_emb.proj.0", 1e-5).to(self.dtype)
        x = self.lin("img_emb.proj.3", gelu(self.lin("img_emb.proj.1", x)))
        return self.norm(x, "img_emb.proj.4", 1e-5).to(self.dtype)

    def __call__(self, inputs, has_branch):
        latents = inputs["hidden_states"].to(self.dtype)
        patches = latents.unfold(3, 2, 2).unfold(4, 2, 2).permute(0, 2, 3, 4, 1, 5, 6).flatten(4)
        weight = self.w["patch_embedding.weight"].flatten(1)
        x = linear(patches.flatten(1, 3), weight, self.w["patch_embedding.bias"])
        tokens = [x]

        half = FREQ // 2
        angles = inputs["timestep"].double()[:, None] * 10000.0 ** (-torch.arange(half) / half)
        sinusoid = torch.cat([angles.cos(), angles.sin()], 1)
        e = self.lin_wide("time_embedding.2", silu(self.lin_wide("time_embedding.0", sinusoid)))
        time = self.lin_wide("time_projection.1", silu(e)).unflatten(1, (6, -1))[:, None]

        text = inputs["encoder_hidden_states"].to(self.dtype)
        text = torch.cat([text, text.new_zeros(text.shape[0], TEXT_LEN - text.shape[1], TEXT)], 1)
        context = self.lin("text_embedding.2",
                           gelu(self.lin("text_embedding.0", text), approximate="tanh"))
        if "encoder_hidden_states_image" in inputs:
            image = self.image_tokens(inputs["encoder_hidden_states_image"].to(self.dtype))
            context = torch.cat([image, context], 1)

        action = self.action_features(inputs["keyboard"], inputs["mouse"])
        hints = []
        if has_branch:
            spread = action.repeat_interleave(ROWS * COLUMNS, 1)
            c = self.lin("action_blocks.0.before_proj", spread) + x
            for j in range(len(range(0, LAYERS, 2))):
                c = self.block(f"action_blocks.{j}", c, context, time)
                hints.append(self.lin(f"action_blocks.{j}.after_proj", c))
        for i in range(LAYERS):
            x = self.block(f"blocks.{i}", x, context, time, None if has_branch else action)
            if has_branch and i % 2 == 0:
                x = x + hints[i // 2]
            tokens.append(x)

        shift, scale = (self.w["head.modulation"].to(self.wide) + e[:, None]).chunk(2, 1)
        out = self.lin("head.head", (self.norm(x) * (1 + scale) + shift).to(self.dtype))
        out = out.unflatten(1, (FRAMES, ROWS, COLUMNS)).unflatten(-1, (2, 2, -1))
        return out.permute(0, 6, 1, 2, 4, 3, 5).flatten(5).flatten(3, 4), tokens


def shapes(has_branch):
    d, half = DIM, ACTION // 2
    lin = lambda name, out, inner: {f"{name}.weight": (out, inner), f"{name}.bias": (out,)}
    in_dim, has_image = (16, False) if has_branch else (36, True)

    def block(name):
        found = {f"{name}.modulation": (1, 6, d), f"{name}.norm3.weight": (d,),
                 f"{name}.norm3.bias": (d,)}
        for part in ("self_attn", "cross_attn"):
            for p in "qkvo":
                found |= lin(f"{name}.{part}.{p}", d, d)
            found |= {f"{name}.{part}.norm_{p}.weight": (d,) for p in "qk"}
        if has_image:
            found |= lin(f"{name}.cross_attn.k_img", d, d) | lin(f"{name}.cross_attn.v_img", d, d)
            found[f"{name}.cross_attn.norm_k_img.weight"] = (d,)
        return found | lin(f"{name}.ffn.0", FFN, d) | lin(f"{name}.ffn.2", d, FFN)

    found = {"patch_embedding.weight": (d, in_dim, 1, 2, 2), "patch_embedding.bias": (d,),
             "head.modulation": (1, 2, d)}
    found |= lin("text_embedding.0", d, TEXT) | lin("text_embedding.2", d, d)
    found |= lin("time_embedding.0", d, FREQ) | lin("time_embedding.2", d, d)
    found |= lin("time_projection.1", 6 * d, d) | lin("head.head", 4 * 16, d)
    for i in range(LAYERS):
        found |= block(f"blocks.{i}")
        if not has_branch:
            found |= lin(f"blocks.{i}.action_adaLN_modulation.1", 6 * d, ACTION)
    if has_branch:
        found |= lin("action_blocks.0.before_proj", d, ACTION)
        for j in range(len(range(0, LAYERS, 2))):
            found |= block(f"action_blocks.{j}") | lin(f"action_blocks.{j}.after_proj", d, d)
    if has_image:
        image = 1280
        found |= {"img_emb.proj.0.weight": (image,), "img_emb.proj.0.bias": (image,),
                  "img_emb.proj.4.weight": (d,), "img_emb.proj.4.bias": (d,)}
        found |= lin("img_emb.proj.1", image, image) | lin("img_emb.proj.3", d, image)
    for name, (inner, hidden, outer) in {"mouse_mlp": (24, half, half),
                                         "keyboard_embedding": (7, 64, 64),
                                         "keyboard_mlp": (768, half, half),
                                         "action_mlp": (ACTION, half, ACTION)}.items():
        found |= lin(f"action_preprocess.{name}.0", hidden, inner)
        found |= lin(f"action_preprocess.{name}.2", outer, hidden)
    return found


def is_wide(name):
    """What stays float32 beside bfloat16 weights: see the module's first lines."""
    return name.endswith("modulation") or "norm" in name


def write(folder, name, has_branch, image_dim):
    random = torch.Generator().manual_seed(SEED)
    normal = lambda *shape: torch.randn(*shape, generator=random)
    weights = {}
    for key, shape in sorted(shapes(has_branch).items()):
        shape = tuple(image_dim if n == 1280 else n for n in shape)
        scale = 0.3 if len(shape) == 1 or "modulation" in key and len(shape) == 3 \
            else torch.Size(shape[1:]).numel() ** -0.5
        if "_proj." in key and "action_blocks" in key or "adaLN" in key:
            scale *= 0.7  # Not so loud that the stream is actions alone.
        is_norm = len(shape) == 1 and key.endswith("weight")
        weights[key] = normal(*shape) * scale + (1.0 if is_norm else 0.0)
    video_frames = 4 * (FRAMES - 1) + 1
    inputs = dict(hidden_states=normal(2, 16 if has_branch else 36, FRAMES, 2 * ROWS, 2 * COLUMNS),
                  timestep=torch.tensor([999.0, 137.0]),
                  encoder_hidden_states=normal(2, 4, TEXT),
                  keyboard=(torch.rand(2, video_frames, 7, generator=random) < 0.4).float(),
                  mouse=3 * normal(2, video_frames, 2))
    if not has_branch:
        inputs["encoder_hidden_states_image"] = normal(2, 5, image_dim)

    exact = {k: v.double() for k, v in weights.items()}
    wide_inputs = {k: v.double() for k, v in inputs.items()}
    sample, tokens = Model(exact, torch.float64)(wide_inputs, has_branch)
    half = {k: v if is_wide(k) else v.bfloat16() for k, v in weights.items()}
    half_sample, _ = Model(half, torch.bfloat16)(inputs, has_branch)
    error = ((half_sample.double() - sample).square().mean() / sample.square().mean()).item()

    config = {"_class_name": "WanActionControlNetModel" if has_branch else "WanActionAdaLNModel",
              "model_type": "t2v" if has_branch else "i2v", "dim": DIM, "ffn_dim": FFN,
              "num_heads": HEADS, "num_layers": LAYERS, "in_dim": 16 if has_branch else 36,
              "out_dim": 16, "freq_dim": FREQ, "text_dim": TEXT, "text_len": TEXT_LEN,
              "patch_size": [1, 2, 2], "qk_norm": True, "cross_attn_norm": True,
              "window_size": [-1, -1], "eps": EPS, "mouse_dim": 2, "keyboard_dim": 7,
              "action_dim": ACTION}
    config |= {"action_layers": None, "action_in_dim": None} if has_branch \
        else {"image_dim": image_dim}
    tensors = {f"weights.{k}": v for k, v in weights.items()}
    tensors |= {f"in.{k}": v for k, v in inputs.items()}
    tensors |= {f"tokens.{i}": v for i, v in enumerate(tokens)}
    tensors["sample"] = sample
    path = Path(folder) / f"{name}.safetensors"
    save_file({k: v.float().contiguous().clone() for k, v in tensors.items()}, path,
              {"config": json.dumps(config), "peer_bf16_error": repr(error),
               "source": f"this script, torch {torch.__version__}, seed {SEED}"})
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, |sample| <= {sample.abs().max():.2f}, "
          f"|tokens| <= {tokens[-1].abs().max():.2f}, bf16 error of the peer {error:.2e}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        write(sys.argv[1], "control", True, 0)
        write(sys.argv[1], "adaln", False, 16)
