# SPDX-License-Identifier: Apache-2.0
"""Golden of the image encoder: a tiny random CLIPVisionModel of transformers.

    python tools/goldens/clip.py tests/goldens/clip

Needs torch and transformers. `weights.*` under Hugging Face's names, `in.pixel_values` and
`hidden_states`, those of the last layer but one. The metadata holds the config as JSON and the
error of transformers' own bfloat16 forward: mean squared difference to float32 over the mean square
of float32.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModel

SEED = 0
CONFIG = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
              image_size=28, patch_size=7, hidden_act="gelu", layer_norm_eps=1e-5)


def build():
    torch.manual_seed(SEED)
    model = CLIPVisionModel(CLIPVisionConfig(**CONFIG)).eval()
    for name, parameter in model.named_parameters():
        value = torch.randn_like(parameter)
        is_norm = "norm" in name and name.endswith("weight")
        scale = 0.3 if parameter.dim() == 1 else parameter[0].numel() ** -0.5
        parameter.data = value * (1.0 if "position" in name else scale) + (1.0 if is_norm else 0.0)
    return model


@torch.no_grad()
def run(model, pixels):
    out = model(pixel_values=pixels.to(model.dtype), output_hidden_states=True)
    return out.hidden_states[-2].float()


def main(folder):
    pixels = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(SEED + 1))
    model = build()
    wanted = run(model, pixels)
    half = run(build().bfloat16(), pixels)
    error = ((half - wanted).square().mean() / wanted.square().mean()).item()
    weights = {k: v for k, v in model.state_dict().items() if not k.endswith("position_ids")}
    tensors = {f"weights.{k}": v for k, v in weights.items()}
    tensors |= {"in.pixel_values": pixels, "hidden_states": wanted}
    path = Path(folder) / "vision.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, {
        "config": json.dumps({"model_type": "clip_vision_model", **CONFIG}),
        "peer_bf16_error": repr(error),
        "source": f"transformers {transformers.__version__}, torch {torch.__version__}, "
                  f"seed {SEED}",
    })
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, |hidden| <= {wanted.abs().max():.2f}, "
          f"bf16 error of the peer {error:.2e}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
