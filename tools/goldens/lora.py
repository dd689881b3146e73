# SPDX-License-Identifier: Apache-2.0
"""Goldens of LoRA: one adapter in every key style, and what diffusers and peft compute with it.

    python tools/goldens/lora.py tests/goldens/lora

Needs torch, diffusers and peft. The model is that of tests/goldens/wan/t2v.safetensors. Files:
diffusers.safetensors is written by diffusers itself, alpha in its metadata; original, kohya,
videox_fun, lycoris and raw_peft hold the same values under other names, with alpha tensors or, the
last, an adapter_config.json. differences.safetensors holds full differences of norms, a bias and
modulation tables. sample.safetensors: `lora` and `differences`, the model's output under each at a
strength of 0.7. Where diffusers reads a style, its loader must give the same output.
"""

import copy
import json
import shutil
import sys
from pathlib import Path

import diffusers
import peft
import torch
from diffusers import WanPipeline, WanTransformer3DModel
from diffusers.loaders import WanLoraLoaderMixin
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file

SEED, STRENGTH = 0, 0.7
RANK, ALPHA = 2, 3.0
WIDE, WIDE_ALPHA = "blocks.1.ffn.net.0.proj", 1.0
TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "net.0.proj", "net.2", "linear_1", "linear_2",
           "time_proj", "proj_out"]
NAMES = [("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
         ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
         ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
         ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
         ("condition_embedder.time_proj", "time_projection.1"), ("proj_out", "head.head"),
         ("attn1.to_out.0", "self_attn.o"), ("attn2.to_out.0", "cross_attn.o"),
         ("attn1.to_", "self_attn."), ("attn2.to_", "cross_attn."),
         ("ffn.net.0.proj", "ffn.0"), ("ffn.net.2", "ffn.2")]


def original(name):
    for theirs, ours in NAMES:
        if theirs in name:
            return name.replace(theirs, ours)
    raise KeyError(name)


def base(folder):
    file = folder.parent / "wan/t2v.safetensors"
    with safe_open(file, "pt") as opened:
        config = json.loads(opened.metadata()["config"])
    tensors = load_file(file)
    model = WanTransformer3DModel(**{k: v for k, v in config.items() if k[0] != "_"}).eval()
    model.load_state_dict({k[8:]: v for k, v in tensors.items() if k.startswith("weights.")})
    return model, {k[3:]: v for k, v in tensors.items() if k.startswith("in.")}


def check_loader(folder, state, wanted, style):
    """What diffusers makes of another style must be the same model."""
    model, inputs = base(folder)
    converted = WanLoraLoaderMixin.lora_state_dict({k: v.clone() for k, v in state.items()})
    model.load_lora_adapter(converted, prefix="transformer", adapter_name="a")
    model.set_adapters("a", STRENGTH)
    difference = (model(**inputs, return_dict=False)[0] - wanted).abs().max().item()
    print(f"diffusers reads {style}: {difference:.1e}")
    assert difference < 1e-5, style


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random = torch.Generator().manual_seed(SEED)
    normal = lambda *shape: torch.randn(*shape, generator=random)
    model, inputs = base(folder)
    plain = copy.deepcopy(model)
    model.add_adapter(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS,
                                 alpha_pattern={WIDE: WIDE_ALPHA}))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = 0.5 * normal(*parameter.shape) * parameter.shape[1] ** -0.5
    state = get_peft_model_state_dict(model)
    metadata = model.peft_config["default"].to_dict()
    WanPipeline.save_lora_weights(folder, state, weight_name="diffusers.safetensors",
                                  transformer_lora_adapter_metadata=metadata)
    model.set_adapters("default", STRENGTH)
    wanted = model(**inputs, return_dict=False)[0]
    print("moves the output by", (wanted - plain(**inputs, return_dict=False)[0]).abs().max())

    modules = sorted({k.rsplit(".lora_", 1)[0] for k in state})
    assert len(modules) == 2 * 10 + 6
    styles = {"original": {}, "kohya": {}, "videox_fun": {}, "lycoris": {}, "raw_peft": {}}
    for name in modules:
        down, up = state[f"{name}.lora_A.weight"], state[f"{name}.lora_B.weight"]
        alpha = torch.tensor(WIDE_ALPHA if name == WIDE else ALPHA)
        ours = original(name)
        flat = ours.replace(".", "_")
        mixed = flat if "attn" not in flat else name.replace("attn1", "self_attn").replace(
            "attn2", "cross_attn").replace(".", "_")
        for style, prefix, ends in (
                ("original", f"diffusion_model.{ours}", ("lora_A", "lora_B")),
                ("kohya", f"lora_unet_{flat}", ("lora_down", "lora_up")),
                ("videox_fun", f"lora_unet__{flat}", ("lora_down", "lora_up")),
                ("lycoris", f"lycoris_{mixed}", ("lora_down", "lora_up")),
                ("raw_peft", f"base_model.model.{ours}", ("lora_A.default", "lora_B.default"))):
            styles[style][f"{prefix}.{ends[0]}.weight"] = down
            styles[style][f"{prefix}.{ends[1]}.weight"] = up
            if style != "raw_peft":
                styles[style][f"{prefix}.alpha"] = alpha
    # diffusers' loader reads these styles of attention and feed-forward alone.
    blocks = {k: v for k, v in styles["kohya"].items() if "_blocks_" in k}
    styles["videox_fun"]["lora_te__layers_0.lora_down.weight"] = normal(2, 2)
    source = {"source": f"diffusers {diffusers.__version__}, peft {peft.__version__}, "
                        f"torch {torch.__version__}, seed {SEED}"}
    for style, tensors in styles.items():
        path = folder / f"{style}.safetensors"
        if style == "raw_peft":
            path = folder / "raw_peft/adapter_model.safetensors"
            path.parent.mkdir(exist_ok=True)
            (path.parent / "adapter_config.json").write_text(json.dumps(
                {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA,
                 "alpha_pattern": {original(WIDE): WIDE_ALPHA}}) + "\n")
        save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, path, source)

    only_blocks, _ = base(folder)
    only_blocks.add_adapter(LoraConfig(r=RANK, lora_alpha=ALPHA,
                                       target_modules=[m for m in modules if m[:6] == "blocks"],
                                       alpha_pattern={WIDE: WIDE_ALPHA}))
    own = dict(only_blocks.named_parameters())
    for name, parameter in model.named_parameters():
        if "lora_" in name and name in own:
            own[name].data = parameter.data
    only_blocks.set_adapters("default", STRENGTH)
    partly = only_blocks(**inputs, return_dict=False)[0]
    check_loader(folder, blocks, partly, "kohya")
    blocks = {k: v for k, v in styles["original"].items() if ".blocks." in k}
    check_loader(folder, blocks, partly, "original")

    differences = {"blocks.0.norm3.diff": ("blocks.0.norm2.weight", 0.2),
                   "blocks.0.norm3.diff_b": ("blocks.0.norm2.bias", 0.2),
                   "blocks.1.self_attn.norm_q.diff": ("blocks.1.attn1.norm_q.weight", 0.2),
                   "blocks.1.self_attn.q.diff_b": ("blocks.1.attn1.to_q.bias", 0.2),
                   "blocks.0.diff_m": ("blocks.0.scale_shift_table", 0.1),
                   "blocks.1.modulation.diff": ("blocks.1.scale_shift_table", 0.1),
                   "head.head.diff": ("proj_out.weight", 0.1),
                   "patch_embedding.diff": ("patch_embedding.weight", 0.1)}
    weights, stored = plain.state_dict(), {}
    for name, (theirs, size) in differences.items():
        stored[f"diffusion_model.{name}"] = size * normal(*weights[theirs].shape)
        weights[theirs] += STRENGTH * stored[f"diffusion_model.{name}"]
    save_file(stored, folder / "differences.safetensors", source)
    sample = plain(**inputs, return_dict=False)[0]
    save_file({"lora": wanted.contiguous(), "differences": sample.contiguous()},
              folder / "sample.safetensors", source)
    for path in sorted(folder.rglob("*.safetensors")):
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    with torch.no_grad():
        main(sys.argv[1])
