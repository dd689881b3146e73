# SPDX-License-Identifier: Apache-2.0
"""Start images as diffusers, Wan2.1, Wan2.2 and Micro-World prepare them.

    python tools/goldens/image_condition.py tests/goldens/engine

Needs torch, numpy, Pillow, diffusers and transformers. `image` holds the picture's bytes [H, W, 3].
diffusers' and transformers' own processors make theirs; the other rules are a few calls of torch and
Pillow each, written down here from their descriptions.
"""

import sys
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from diffusers.video_processor import VideoProcessor
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessor

WIDTH, HEIGHT, CLIP = 48, 32, 28
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


def picture(width, height):
    y, x = numpy.mgrid[0:height, 0:width]
    waves = [numpy.sin(x / 3.0), numpy.cos(y / 2.0 + x / 9.0), numpy.sin(x * y / 20.0)]
    return numpy.stack([128 + 120 * wave for wave in waves], -1).astype(numpy.uint8)


def unit(image):
    return torch.from_numpy(numpy.array(image)).permute(2, 0, 1)[None].float() / 255


def bicubic(x, height, width):
    return F.interpolate(x, size=(height, width), mode="bicubic", align_corners=False)


def clip(x):
    return (bicubic(x, CLIP, CLIP) * 0.5 + 0.5 - MEAN) / DEVIATION


def main():
    image = Image.fromarray(picture(61, 37))
    signed = (unit(image) - 0.5) / 0.5
    stretched = image.resize((WIDTH, HEIGHT), Image.BICUBIC)
    cut = torch.from_numpy(numpy.array(unit(stretched) * 255).astype(numpy.uint8)).float() / 255
    scale = max(WIDTH / image.width, HEIGHT / image.height)
    large = image.resize((round(image.width * scale), round(image.height * scale)), Image.LANCZOS)
    left, top = (large.width - WIDTH) // 2, (large.height - HEIGHT) // 2
    covering = large.crop((left, top, left + WIDTH, top + HEIGHT))
    processor = CLIPImageProcessor(size={"shortest_edge": CLIP}, crop_size=CLIP)
    tensors = {
        "image": torch.from_numpy(numpy.array(image)),
        "start.wan": bicubic(signed, HEIGHT, WIDTH),
        "start.micro_world": unit(stretched) * 2 - 1,
        "start.diffusers": VideoProcessor(vae_scale_factor=8).preprocess(image, HEIGHT, WIDTH),
        "start.ti2v": unit(covering) * 2 - 1,
        "clip.wan": clip(signed),
        "clip.micro_world": clip((cut - 0.5) / 0.5),
        "clip.diffusers": processor(images=image, return_tensors="pt")["pixel_values"],
    }
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: t.contiguous() for name, t in tensors.items()},
              folder / "image_condition.safetensors")


if __name__ == "__main__":
    main()
