# SPDX-License-Identifier: Apache-2.0
"""The compiled part: python/binding.cpp. Its errors are ValueError and RuntimeError of one line."""

import numpy as np
from numpy.typing import NDArray

class World:
    """One world that runs. Calls let other Python threads run meanwhile."""

    def __init__(self, folder: str, dtype: str = "fp32") -> None:
        """Loads a model's folder; dtype is fp32 or bf16."""
    def start(self, image: NDArray[np.uint8] | None, caption: str, seed: int, pitch: float) -> NDArray[np.uint8]:
        """Begins anew and returns the first frame, [H, W, 3]."""
    def step(self, keys: list[int], pitch: float, yaw: float) -> NDArray[np.uint8]:
        """The next frame, under the action that leads into it."""
    def sibling(self) -> World:
        """A world of its own with the same weights in memory; not started."""
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fps(self) -> float: ...
    @property
    def reads_captions(self) -> bool: ...

def find_model(name: str) -> str:
    """The folder of a model by path or name, as `mw --model` finds it."""

def read_image(path: str) -> NDArray[np.uint8]:
    """A picture file as [H, W, 3]."""

def parse_actions(file_or_text: str) -> list[tuple[list[int], float, float]]:
    """Keys, pitch and yaw of each step."""
