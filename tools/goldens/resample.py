# SPDX-License-Identifier: Apache-2.0
"""Pictures resized by Pillow, one PNG file a case.

    python tools/goldens/resample.py tests/goldens/video

Needs numpy and Pillow. The picture is the one that `picture` of tests/video/resample_test.cpp draws.
"""

import sys
from pathlib import Path

import numpy
from PIL import Image

CASES = [("bicubic", 20, 30), ("bicubic", 61, 40), ("bicubic", 20, 9), ("lanczos", 32, 16), ("lanczos", 11, 40)]


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    width, height = 37, 23
    index = numpy.arange(width * height * 3)
    values = (index * index * 7 + index * 31) % 256
    image = Image.fromarray(values.astype(numpy.uint8).reshape(height, width, 3))
    for name, w, h in CASES:
        resized = image.resize((w, h), getattr(Image.Resampling, name.upper()))
        resized.save(folder / f"resample_{name}_{w}x{h}.png", optimize=True)


if __name__ == "__main__":
    main()
