# SPDX-License-Identifier: Apache-2.0
"""Tiny models of random weights in the layouts of the released ones, and what runs them in Python."""

import copy
import json
import sys
from pathlib import Path

import numpy
import torch
from diffusers import (AutoencoderKLWan, DPMSolverMultistepScheduler,
                       FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler,
                       WanTransformer3DModel)
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel

ROOT = Path(__file__).resolve().parents[2]
SPIECE = ROOT / "tests" / "goldens" / "text" / "spiece.model"
TEXT_DIM, IMAGE_DIM, IMAGE_SIZE = 32, 64, 28
FRAMES, HEIGHT, WIDTH = 5, 32, 48

sys.path.insert(0, str(ROOT / "tools" / "goldens"))


def mixed(values):
    """Murmur3's finaliser: neighbouring whole numbers become unrelated ones."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        values = (values ^ (values >> numpy.uint32(shift))) * numpy.uint32(factor)
    return values


def drawn(shape, seed, index, scale, offset):
    """Values of one tensor, reproducible from few numbers: uniform, of deviation `scale`."""
    start = (seed * 0x85EBCA77 + index * 0xC2B2AE3D) % 2 ** 32
    cells = numpy.arange(int(numpy.prod(shape)), dtype=numpy.uint32) * numpy.uint32(0x9E3779B1)
    unit = mixed(cells + numpy.uint32(start)) / 2 ** 31 - 1
    values = unit * 3 ** 0.5 * scale + offset
    return torch.from_numpy(values.astype(numpy.float32)).reshape(shape)


def recipe_of(shapes, quieter=()):
    """[name, shape, scale, offset] of every tensor; what `drawn` makes them from."""
    recipe = []
    for name, shape in sorted(shapes.items()):
        small = len(shape) == 1 or (name.endswith(("modulation", "scale_shift_table")))
        scale = 0.3 if small else float(numpy.prod(shape[1:])) ** -0.5
        is_gain = name.endswith("gamma") or (len(shape) == 1 and name.endswith("weight"))
        if name.startswith(tuple(quieter)) and quieter:
            scale *= 0.3
        recipe.append([name, list(shape), scale, 1.0 if is_gain else 0.0])
    return recipe


def draw_all(recipe, seed):
    return {name: drawn(shape, seed, k, scale, offset)
            for k, (name, shape, scale, offset) in enumerate(recipe)}


def randomise(model, seed, quieter=()):
    """Every parameter is drawn anew: fresh models begin with zeros here and there."""
    parameters = dict(model.named_parameters())
    model.recipe = recipe_of({n: tuple(p.shape) for n, p in parameters.items()}, quieter)
    for name, value in draw_all(model.recipe, seed).items():
        parameters[name].data = value
    return model.eval().requires_grad_(False)


def make_transformer(with_image, seed):
    return randomise(WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12,
        in_channels=36 if with_image else 16, out_channels=16, text_dim=TEXT_DIM, freq_dim=256,
        ffn_dim=32, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads", eps=1e-6,
        rope_max_seq_len=32, image_dim=IMAGE_DIM if with_image else None,
        added_kv_proj_dim=24 if with_image else None), seed)


def make_vae(seed):
    model = AutoencoderKLWan(base_dim=8, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=1,
                             attn_scales=[], temperal_downsample=[False, True, True])
    # A quiet last layer, so that the clamp hides nothing.
    return randomise(model, seed + 1, ["decoder.conv_out"])


def make_text_encoder(vocab_size, seed):
    return randomise(UMT5EncoderModel(UMT5Config(
        vocab_size=vocab_size, d_model=TEXT_DIM, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        relative_attention_num_buckets=32, relative_attention_max_distance=128,
        feed_forward_proj="gated-gelu", dropout_rate=0.0)), seed + 2)


def make_image_encoder(seed):
    return randomise(CLIPVisionModel(CLIPVisionConfig(
        hidden_size=IMAGE_DIM, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4,
        image_size=IMAGE_SIZE, patch_size=14, hidden_act="gelu", layer_norm_eps=1e-5)), seed + 3)


def make_scheduler(name, shift):
    flow = dict(prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000)
    if name == "unipc":
        return UniPCMultistepScheduler(flow_shift=shift, **flow)
    if name == "dpm++":
        return DPMSolverMultistepScheduler(algorithm_type="dpmsolver++", solver_type="midpoint",
                                           solver_order=2, flow_shift=shift, **flow)
    return FlowMatchEulerDiscreteScheduler(shift=shift)


class TinyModel:
    """A diffusers folder of one kind, written by diffusers and transformers themselves."""

    def __init__(self, folder, with_image, seed, shift=3.0):
        import sentencepiece
        self.folder, self.shift = Path(folder), shift
        self.tokens = sentencepiece.SentencePieceProcessor(str(SPIECE))
        self.transformer = make_transformer(with_image, seed)
        self.vae = make_vae(seed)
        self.text_encoder = make_text_encoder(self.tokens.get_piece_size(), seed)
        self.image_encoder = make_image_encoder(seed) if with_image else None
        self.save(with_image)

    def save(self, with_image):
        self.transformer.save_pretrained(self.folder / "transformer")
        self.vae.save_pretrained(self.folder / "vae")
        self.text_encoder.save_pretrained(self.folder / "text_encoder")
        make_scheduler("unipc", self.shift).save_pretrained(self.folder / "scheduler")
        if with_image:
            self.image_encoder.save_pretrained(self.folder / "image_encoder")
        (self.folder / "tokenizer").mkdir()
        (self.folder / "tokenizer" / "spiece.model").write_bytes(SPIECE.read_bytes())
        kind = "WanImageToVideoPipeline" if with_image else "WanPipeline"
        index = {"_class_name": kind, "_diffusers_version": "0.36.0"}
        (self.folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")

    def embed(self, prompt, dtype=torch.float32):
        """The prompt's rows, [1, S, D]."""
        ids = torch.tensor([self.tokens.encode(prompt) + [1]])
        return copy.deepcopy(self.text_encoder).to(dtype)(ids, torch.ones_like(ids)).last_hidden_state

    def decode(self, latents):
        """Normalised latents as the video in [0, 1]."""
        shape = (1, -1, 1, 1, 1)
        mean = torch.tensor(self.vae.config.latents_mean).view(shape)
        scale = 1.0 / torch.tensor(self.vae.config.latents_std).view(shape)
        video = self.vae.decode(latents.float() / scale + mean, return_dict=False)[0]
        return (video * 0.5 + 0.5).clamp(0, 1)

    def encode(self, video):
        """The posterior's mode, normalised."""
        shape = (1, -1, 1, 1, 1)
        mean = torch.tensor(self.vae.config.latents_mean).view(shape)
        scale = 1.0 / torch.tensor(self.vae.config.latents_std).view(shape)
        return (self.vae.encode(video).latent_dist.mode() - mean) * scale


def padded(rows, length=512):
    return torch.cat([rows, rows.new_zeros(1, length - rows.shape[1], rows.shape[2])], 1)


def write_micro_world(folder, has_branch, seed):
    """Writes `transformer/` and gives what predicts a velocity: f(latents, t, text, image, keys, mouse)."""
    import action_models as models

    models.DIM, models.HEADS, models.FFN, models.LAYERS, models.FREQ = 24, 2, 32, 3, 256
    models.TEXT, models.TEXT_LEN, models.ACTION = TEXT_DIM, 512, 16
    models.FRAMES, models.ROWS, models.COLUMNS = (FRAMES - 1) // 4 + 1, HEIGHT // 16, WIDTH // 16
    shapes = {name: tuple(IMAGE_DIM if n == 1280 else n for n in shape)
              for name, shape in models.shapes(has_branch).items()}
    recipe = recipe_of(shapes)
    weights = draw_all(recipe, seed + 4)
    config = {"_class_name": "WanActionControlNetModel" if has_branch else "WanActionAdaLNModel",
              "model_type": "t2v" if has_branch else "i2v", "dim": models.DIM,
              "ffn_dim": models.FFN, "num_heads": models.HEADS, "num_layers": models.LAYERS,
              "in_dim": 16 if has_branch else 36, "out_dim": 16, "freq_dim": models.FREQ,
              "text_dim": models.TEXT, "text_len": models.TEXT_LEN, "patch_size": [1, 2, 2],
              "qk_norm": True, "cross_attn_norm": True, "window_size": [-1, -1], "eps": 1e-6,
              "mouse_dim": 2, "keyboard_dim": 7, "action_dim": models.ACTION}
    config |= {"action_layers": None, "action_in_dim": None} if has_branch \
        else {"image_dim": IMAGE_DIM}
    path = Path(folder) / "transformer"
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({k: v.contiguous() for k, v in weights.items()},
              path / "diffusion_pytorch_model.safetensors")
    exact = models.Model({k: v.double() for k, v in weights.items()}, torch.float64)
    half = models.Model({k: v if models.is_wide(k) else v.bfloat16() for k, v in weights.items()},
                        torch.bfloat16)

    def velocity(latents, t, text, image, keyboard, mouse, dtype=torch.float32):
        inputs = {"hidden_states": latents, "timestep": torch.tensor([float(t)]),
                  "encoder_hidden_states": text, "keyboard": keyboard, "mouse": mouse}
        if image is not None:
            inputs["encoder_hidden_states_image"] = image
        if dtype == torch.bfloat16:
            return half({k: v.float() for k, v in inputs.items()}, has_branch)[0].float()
        return exact({k: v.double() for k, v in inputs.items()}, has_branch)[0].float()

    velocity.recipe, velocity.config = recipe, config
    return velocity
