# SPDX-License-Identifier: Apache-2.0
"""Goldens of the Wan transformer: tiny random models of diffusers, every block's tokens recorded.

    python tools/goldens/wan_transformer.py tests/goldens/wan

Needs torch and diffusers. One file per case: `weights.*` under diffusers' names, `in.*`, `tokens.*`
after the patch embedding and after every block, `sample`, and for the first case `gradient.*` of
mean(sample^2). The metadata holds the config as JSON and the error of diffusers' own bfloat16
forward: mean squared difference to float32 over the mean square of float32.
"""

import json
import sys
from pathlib import Path

import diffusers
import torch
from diffusers import WanTransformer3DModel
from safetensors.torch import save_file

SEED = 0
COMMON = dict(
    patch_size=[1, 2, 2], num_attention_heads=2, attention_head_dim=20, text_dim=24, freq_dim=256,
    ffn_dim=64, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads", eps=1e-6,
    rope_max_seq_len=32,
)


def build(config):
    torch.manual_seed(SEED)
    model = WanTransformer3DModel(**config).eval()
    # Defaults leave biases small and norms at one, which would hide mistakes in their use.
    for name, parameter in model.named_parameters():
        value = torch.randn_like(parameter)
        scale = 0.3 if parameter.dim() == 1 or "table" in name else parameter[0].numel() ** -0.5
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        parameter.data = value * scale + (1.0 if is_norm else 0.0)
    return model


def run(model, inputs):
    tokens = []
    keep = lambda _module, _args, out: tokens.append(out.detach().float().clone())
    hooks = [block.register_forward_hook(keep) for block in model.blocks]
    hooks.append(model.patch_embedding.register_forward_hook(
        lambda _m, _a, out: tokens.append(out.detach().float().flatten(2).transpose(1, 2).clone())))
    sample = model(**inputs, return_dict=False)[0]
    for hook in hooks:
        hook.remove()
    return sample, tokens


def write(folder, name, config, inputs, with_gradients=False):
    model = build(config)
    sample, tokens = run(model, inputs)
    tensors = {f"weights.{key}": value for key, value in model.state_dict().items()}
    tensors |= {f"in.{key}": value for key, value in inputs.items()}
    tensors |= {f"tokens.{i}": value for i, value in enumerate(tokens)}
    tensors["sample"] = sample
    if with_gradients:
        sample.square().mean().backward()
        tensors |= {f"gradient.{k}": p.grad for k, p in model.named_parameters()}

    # As WanPipeline loads it: these modules stay float32 whatever dtype is asked for.
    half = build(config)
    stays = half._keep_in_fp32_modules
    for key, parameter in half.named_parameters():
        if not any(part in key.split(".") for part in stays):
            parameter.data = parameter.data.bfloat16()
    half_inputs = {k: v if k == "timestep" else v.bfloat16() for k, v in inputs.items()}
    with torch.no_grad():
        half_sample = run(half, half_inputs)[0].float()
    error = ((half_sample - sample).square().mean() / sample.square().mean()).item()

    tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    metadata = {
        "config": json.dumps({"_class_name": "WanTransformer3DModel", **config}),
        "peer_bf16_error": repr(error),
        "source": f"diffusers {diffusers.__version__}, torch {torch.__version__}, seed {SEED}",
    }
    path = Path(folder) / f"{name}.safetensors"
    save_file(tensors, path, metadata)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, |sample| <= {sample.abs().max():.2f}, "
          f"bf16 error of the peer {error:.2e}")


def main(folder):
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(SEED + 1)
    normal = lambda *shape: torch.randn(*shape, generator=random)
    # The largest timestep: where sinusoids computed in float32 and in float64 differ most.
    write(folder, "t2v", COMMON | dict(in_channels=16, out_channels=16),
          dict(hidden_states=normal(2, 16, 3, 4, 6), timestep=torch.tensor([999, 137]),
               encoder_hidden_states=normal(2, 9, 24)), with_gradients=True)
    write(folder, "i2v",
          COMMON | dict(in_channels=36, out_channels=16, image_dim=16, added_kv_proj_dim=40),
          dict(hidden_states=normal(1, 36, 3, 4, 6), timestep=torch.tensor([500]),
               encoder_hidden_states=normal(1, 512, 24),
               encoder_hidden_states_image=normal(1, 257, 16)))
    per_frame = torch.tensor([[0.0, 412.5, 900.0]])
    write(folder, "ti2v", COMMON | dict(in_channels=48, out_channels=48),
          dict(hidden_states=normal(1, 48, 3, 4, 6), timestep=per_frame.repeat_interleave(6, dim=1),
               encoder_hidden_states=normal(1, 5, 24)))


if __name__ == "__main__":
    main(sys.argv[1])
