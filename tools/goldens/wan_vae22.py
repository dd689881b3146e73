# SPDX-License-Identifier: Apache-2.0
"""Goldens of the residual video autoencoder of Wan2.2, and of both autoencoders in tiles.

    python tools/goldens/wan_vae22.py tests/goldens/vae

Needs torch and diffusers. wan_vae22.safetensors holds a tiny random AutoencoderKLWan as
wan_vae.py writes its own, `tiled_moments` and `tiled_video` beside it. wan_vae_tiles.safetensors
holds the latter for the weights in wan_vae.safetensors. Inputs in tiles are sines over the flat
index, not stored.
"""

import json
import sys
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKLWan
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from wan_vae import error, run

SEED = 0
CONFIG = dict(base_dim=2, decoder_base_dim=3, z_dim=3, dim_mult=[1, 2, 2, 2], num_res_blocks=2,
              attn_scales=[], temperal_downsample=[False, True, True], dropout=0.0,
              is_residual=True, in_channels=12, out_channels=12, patch_size=2,
              scale_factor_spatial=16, scale_factor_temporal=4,
              latents_mean=[-0.75, 0.5, 0.1], latents_std=[2.75, 1.5, 0.5])


def build():
    torch.manual_seed(SEED)
    model = AutoencoderKLWan(**CONFIG).eval()
    for name, parameter in model.named_parameters():
        value = torch.randn_like(parameter)
        if name.endswith("gamma"):
            parameter.data = 1 + 0.3 * value
        else:
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 10
            parameter.data = value * fan_in ** -0.5
    model.decoder.conv_out.weight.data *= 0.25
    model.decoder.conv_out.bias.data *= 0.25
    return model


def ramp(shape, c):
    return torch.arange(torch.Size(shape).numel()).double().mul(c).sin().float().view(shape)


def tiled(model, video_shape, latents_shape):
    model.enable_tiling(32, 32, 16, 16)
    moments, video = run(model, ramp(video_shape, 0.31), ramp(latents_shape, 0.29))
    model.disable_tiling()
    return {"tiled_moments": moments, "tiled_video": video}


def save(path, tensors, metadata):
    metadata["source"] = f"diffusers {diffusers.__version__}, torch {torch.__version__}, seed {SEED}"
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, metadata)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, {metadata}")


def main(folder):
    torch.set_num_threads(1)
    folder = Path(folder)
    random = torch.Generator().manual_seed(SEED + 1)
    video = torch.rand(1, 3, 5, 32, 16, generator=random) * 2 - 1
    latents = torch.randn(1, 3, 3, 2, 1, generator=random)
    model = build()
    moments, decoded = run(model, video, latents)
    half_moments, half_decoded = run(build().bfloat16(), video, latents)
    tensors = {f"weights.{key}": value for key, value in model.state_dict().items()}
    tensors |= {"in.video": video, "moments": moments, "in.latents": latents, "video": decoded}
    tensors |= tiled(model, (1, 3, 5, 80, 96), (1, 3, 1, 3, 3))
    save(folder / "wan_vae22.safetensors", tensors, {
        "config": json.dumps({"_class_name": "AutoencoderKLWan", **CONFIG}),
        "peer_bf16_moments_error": repr(error(half_moments, moments)),
        "peer_bf16_video_error": repr(error(half_decoded, decoded))})

    first = folder / "wan_vae.safetensors"
    with safe_open(first, "pt") as file:
        config = json.loads(file.metadata()["config"])
    older = AutoencoderKLWan(**{k: v for k, v in config.items() if k[0] != "_"}).eval()
    older.load_state_dict({k[8:]: v for k, v in load_file(first).items() if k[:8] == "weights."})
    save(folder / "wan_vae_tiles.safetensors", tiled(older, (1, 3, 5, 40, 56), (1, 4, 2, 5, 7)), {})


if __name__ == "__main__":
    main(sys.argv[1])
