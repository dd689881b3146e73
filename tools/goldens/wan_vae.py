# SPDX-License-Identifier: Apache-2.0
"""Golden of the Wan2.1 video autoencoder: a tiny random AutoencoderKLWan of diffusers.

    python tools/goldens/wan_vae.py tests/goldens/vae

Needs torch and diffusers. `weights.*` under diffusers' names, `in.video`, `moments` of its
posterior, `in.latents` (raw) and `video` decoded from them. The metadata holds the config as JSON
and the errors of diffusers' own bfloat16 passes: mean squared difference to float32 over the mean
square of float32.
"""

import json
import sys
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKLWan
from safetensors.torch import save_file

SEED = 0
CONFIG = dict(base_dim=4, z_dim=4, dim_mult=[1, 2, 3, 3], num_res_blocks=2, attn_scales=[],
              temperal_downsample=[False, True, True], dropout=0.0,
              latents_mean=[-0.75, 0.5, 0.1, -1.5], latents_std=[2.75, 1.5, 0.5, 1.25])


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
    # Outputs of about half the range, so that the clamp hides nothing.
    model.decoder.conv_out.weight.data *= 0.25
    model.decoder.conv_out.bias.data *= 0.25
    return model


@torch.no_grad()
def run(model, video, latents):
    dtype = model.dtype
    posterior = model.encode(video.to(dtype)).latent_dist
    return posterior.parameters.float(), model.decode(latents.to(dtype)).sample.float()


def error(got, wanted):
    return ((got - wanted).square().mean() / wanted.square().mean()).item()


def main(folder):
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(SEED + 1)
    video = torch.rand(1, 3, 13, 16, 24, generator=random) * 2 - 1
    latents = torch.randn(1, 4, 4, 2, 3, generator=random)
    model = build()
    moments, decoded = run(model, video, latents)
    half_moments, half_decoded = run(build().bfloat16(), video, latents)
    tensors = {f"weights.{key}": value for key, value in model.state_dict().items()}
    tensors |= {"in.video": video, "moments": moments, "in.latents": latents, "video": decoded}
    metadata = {
        "config": json.dumps({"_class_name": "AutoencoderKLWan", **CONFIG}),
        "peer_bf16_moments_error": repr(error(half_moments, moments)),
        "peer_bf16_video_error": repr(error(half_decoded, decoded)),
        "source": f"diffusers {diffusers.__version__}, torch {torch.__version__}, seed {SEED}",
    }
    path = Path(folder) / "wan_vae.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, metadata)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, |moments| <= {moments.abs().max():.2f}, "
          f"|video| <= {decoded.abs().max():.2f}, {metadata}")


if __name__ == "__main__":
    main(sys.argv[1])
