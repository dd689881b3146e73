# SPDX-License-Identifier: Apache-2.0
"""A world model as a Gymnasium environment."""

import atexit
import os
import pathlib
import threading
import weakref
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from microworld import _core
from microworld.actions import Action, action_space, unpack

Frame = NDArray[np.uint8]
Image = str | os.PathLike[str] | NDArray[np.uint8]

_START_OPTIONS = ("image", "caption", "pitch")
_loaded: "weakref.WeakValueDictionary[tuple[str, str], _core.World]" = weakref.WeakValueDictionary()
_loading = threading.Lock()
_open: "weakref.WeakSet[OverworldEnv]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """A world works on its newest frame after it has shown it: it must not do so while the process ends."""
    for env in list(_open):
        env.close()



def _find_model(model: str | os.PathLike[str]) -> str:
    name = os.fspath(model)
    own = pathlib.Path(__file__).parent / "models" / name
    return str(own) if name and "/" not in name and own.is_dir() else _core.find_model(name)


def _load(model: str | os.PathLike[str], dtype: str) -> _core.World:
    """A world that is never started: it holds the weights for all environments of one model."""
    folder = _find_model(model)
    with _loading:
        world = _loaded.get((folder, dtype))
        if world is None:
            world = _loaded[folder, dtype] = _core.World(folder, dtype)
        return world


def _read_image(image: Image | None) -> Frame | None:
    if image is None or isinstance(image, np.ndarray):
        picture = image
    elif isinstance(image, (str, os.PathLike)):
        picture = _core.read_image(os.fspath(image))
    else:
        raise ValueError(f"image: wanted a file or an array uint8 [H, W, 3], got a {type(image).__name__}")
    if picture is not None and (picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3):
        raise ValueError(f"image: wanted an array uint8 [H, W, 3], got {picture.dtype} {list(picture.shape)}")
    return None if picture is None else np.ascontiguousarray(picture)


class OverworldEnv(gymnasium.Env[Frame, Action]):
    """A picture to walk and look around in; the world model makes each next frame.

    Observations are frames, uint8 [H, W, 3]. Actions are dicts of keys and mouse, see `Action`. There is no
    task: the reward is always 0 and no episode ends by itself; `gymnasium.make(..., max_episode_steps=N)`
    truncates. Equal start, seed and actions give equal frames, those of `mw generate`.

    Environments of one model in one process share its weights. `step` lets other Python threads run. The first one
    sets libtorch to one thread for each operation, unless OMP_NUM_THREADS says otherwise.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 16}

    def __init__(self, model: str | os.PathLike[str] = "overworld", image: Image | None = None, caption: str = "",
                 pitch: float = 0.0, dtype: str = "fp32", render_mode: str | None = None) -> None:
        """Loads the model; errors are ValueErrors of one line.

        model: a name or a folder. The package brings `overworld`.
        image, caption, pitch: where episodes begin unless `reset` says otherwise. image is a file or an array
            uint8 [H, W, 3], cropped and resized to the model's size; without one the first frame is imagined,
            from the caption if any. pitch is how many degrees the picture's camera looks down.
        dtype: fp32, or bf16, which is faster on processors that have it.
        """
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode: wanted rgb_array or None, got {render_mode!r}")
        self._weights = _load(model, dtype)
        self._world: _core.World | None = self._weights.sibling()
        self._start = {"image": image, "caption": caption, "pitch": pitch}
        self._frame: Frame | None = None
        self._frame_index = 0
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": self._world.fps}
        self.observation_space = spaces.Box(0, 255, (self._world.height, self._world.width, 3), np.uint8)
        self.action_space = action_space()
        _open.add(self)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, dict[str, Any]]:
        """Begins anew.

        seed: of the world's noise, as `mw generate --seed`. Without one it is drawn from the environment's
            generator, which an earlier seed has fixed.
        options: image, caption and pitch, each instead of the constructor's for this episode.
        Returns the first frame and `{"frame_index": 0, "seed": ...}`. Raises ValueError for bad options.
        """
        super().reset(seed=seed)
        start = {**self._start, **(options or {})}
        for name in start:
            if name not in _START_OPTIONS:
                raise ValueError(f"reset: unknown option {name!r}, wanted {', '.join(_START_OPTIONS)}")
        if not isinstance(start["caption"], str):
            raise ValueError(f"caption: wanted text, got a {type(start['caption']).__name__}")
        try:
            pitch = float(start["pitch"])
        except (TypeError, ValueError):
            pitch = float("nan")
        if not -90 <= pitch <= 90:
            raise ValueError(f"pitch: wanted degrees from -90 to 90, got {start['pitch']!r}")
        world_seed = int(self.np_random.integers(2**32)) if seed is None else int(seed)
        if world_seed >= 2**64:
            raise ValueError(f"seed: wanted one below 2**64, got {world_seed}")
        self._frame = self._running().start(_read_image(start["image"]), start["caption"], world_seed, pitch)
        self._frame_index = 0
        return self._frame, {"frame_index": 0, "seed": world_seed}

    def step(self, action: Action) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """The frame that the action leads to. Raises ValueError for what is no action, and before `reset`."""
        self._frame = self._running().step(*unpack(action))
        self._frame_index += 1
        return self._frame, 0.0, False, False, {"frame_index": self._frame_index}

    def render(self) -> Frame | None:
        """The newest frame, for render_mode rgb_array."""
        return None if self.render_mode is None or self._frame is None else self._frame.copy()

    def close(self) -> None:
        """Gives the world's memory back; the weights go with the last environment that uses them."""
        self._world = self._frame = self._weights = None

    def _running(self) -> _core.World:
        if self._world is None:
            raise ValueError("the environment is closed")
        return self._world
