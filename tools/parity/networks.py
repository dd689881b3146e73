# SPDX-License-Identifier: Apache-2.0
"""Every network against its reference, on checkpoints made from a fresh seed.

    python tools/parity/networks.py [--mw build/mw] [--seed N]

Needs torch, diffusers and transformers. The scripts of tools/goldens make tiny random models with
another seed than the stored goldens have; `mw forward` runs each in float32 and bfloat16. Prints
the largest absolute difference in float32, and for bfloat16 the mean squared difference to the
reference's float32 over its mean square, beside the reference's own bfloat16. Exit status 1 when
float32 is off by more than 1e-4, or bfloat16 by more than 1e-4 and more than the reference itself
(with a tenth for chance: the two round differently).
"""

import argparse
import contextlib
import io
import json
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/goldens"))
import action_models  # noqa: E402
import clip  # noqa: E402
import text  # noqa: E402
import wan_transformer  # noqa: E402
import wan_vae  # noqa: E402
import wan_vae22  # noqa: E402

FLOAT_BAR, HALF_BAR, CHANCE = 1e-4, 1e-4, 1.1


def make_goldens(folder, seed):
    """All goldens of networks, and first-and-last-frame models, which have no stored one."""
    for module in (action_models, clip, text, wan_transformer, wan_vae, wan_vae22):
        module.SEED = seed
    wan_transformer.main(folder)
    normal = lambda *shape: torch.randn(*shape, generator=random)
    random = torch.Generator().manual_seed(seed + 2)
    image = dict(in_channels=36, out_channels=16, image_dim=16, added_kv_proj_dim=40)
    wan_transformer.write(
        folder, "flf2v", wan_transformer.COMMON | image | dict(pos_embed_seq_len=2 * 257),
        dict(hidden_states=normal(1, 36, 3, 4, 6), timestep=torch.tensor([321]),
             encoder_hidden_states=normal(1, 512, 24),
             encoder_hidden_states_image=normal(2, 257, 16)))
    with torch.no_grad():
        action_models.write(folder, "control", True, 0)
        action_models.write(folder, "adaln", False, 16)
    wan_vae.main(folder)
    wan_vae22.main(folder)
    text.write_encoder(Path(folder))
    clip.main(folder)


class Golden:
    def __init__(self, path):
        self.tensors = load_file(path)
        with safe_open(path, "pt") as file:
            self.metadata = file.metadata()
        self.config = json.loads(self.metadata["config"])

    def part(self, prefix):
        return {k[len(prefix):]: v for k, v in self.tensors.items() if k.startswith(prefix)}

    def normalized_latents(self):
        mean, deviation = (torch.tensor(self.config[f"latents_{k}"]).view(1, -1, 1, 1, 1)
                           for k in ("mean", "std"))
        return (self.tensors["in.latents"] - mean) / deviation


def cases(folder):
    """Name, part of `mw forward`, golden, inputs, name of the output, wanted, peer's error."""
    for name in ("t2v", "i2v", "flf2v", "ti2v", "control", "adaln"):
        golden = Golden(folder / f"{name}.safetensors")
        yield (f"transformer {name}", "transformer", golden, golden.part("in."), "sample",
               golden.tensors["sample"], golden.metadata["peer_bf16_error"])
    for name in ("wan_vae", "wan_vae22"):
        golden = Golden(folder / f"{name}.safetensors")
        yield (f"{name} encode", "vae-encode", golden, {"video": golden.tensors["in.video"]},
               "moments", golden.tensors["moments"], golden.metadata["peer_bf16_moments_error"])
        yield (f"{name} decode", "vae-decode", golden, {"latents": golden.normalized_latents()},
               "video", golden.tensors["video"], golden.metadata["peer_bf16_video_error"])
    golden = Golden(folder / "umt5.safetensors")
    yield ("text", "text", golden, golden.part("in."), "last_hidden_state",
           golden.tensors["last_hidden_state"], golden.metadata["peer_bf16_error"])
    golden = Golden(folder / "vision.safetensors")
    yield ("image", "image", golden, golden.part("in."), "hidden_states",
           golden.tensors["hidden_states"], golden.metadata["peer_bf16_error"])


def run_mw(program, part, golden, inputs, output, dtype):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "config.json").write_text(golden.metadata["config"])
        weights = {k: v.contiguous() for k, v in golden.part("weights.").items()}
        save_file(weights, folder / "model.safetensors")
        (folder / "io").mkdir()
        save_file({k: v.contiguous() for k, v in inputs.items()}, folder / "io/in.safetensors")
        subprocess.run([program, "forward", part, "--model", folder, "--in",
                        folder / "io/in.safetensors", "--out", folder / "io/out.safetensors",
                        "--dtype", dtype], check=True)
        return load_file(folder / "io/out.safetensors")[output].float()


def main():
    parser = argparse.ArgumentParser(description="Every network against its reference")
    parser.add_argument("--mw", default=str(ROOT / "build/mw"))
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 30))
    options = parser.parse_args()
    torch.set_num_threads(1)
    failures = 0
    print(f"seed {options.seed}")
    print(f"{'network':20} {'fp32 max abs':>12} {'bf16 error':>12} {'reference':>12}")
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            make_goldens(folder, options.seed)
        for name, part, golden, inputs, output, wanted, peer in cases(Path(folder)):
            # Rows of padding are of no use in either program.
            seen = inputs["attention_mask"].bool() if part == "text" else ...
            exact = run_mw(options.mw, part, golden, inputs, output, "fp32")[seen]
            half = run_mw(options.mw, part, golden, inputs, output, "bf16")[seen]
            wanted, peer = wanted[seen], float(peer)
            off = (exact - wanted).abs().max().item()
            error = ((half - wanted).square().mean() / wanted.square().mean()).item()
            is_good = off <= FLOAT_BAR and error <= max(HALF_BAR, CHANCE * peer)
            failures += not is_good
            print(f"{name:20} {off:12.2e} {error:12.2e} {peer:12.2e}{'' if is_good else '  FAILED'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
