# SPDX-License-Identifier: Apache-2.0
"""Actions as an environment takes them."""

import os
from typing import TypedDict

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from microworld import _core

NUM_KEYS = 7
MAX_TURN = 180.0
"""Largest turn in one frame, in degrees."""


class Action(TypedDict):
    """What a player does between one frame and the next."""

    keys: NDArray[np.int8]
    """1 = held: W S A D Space Shift Ctrl, which are forward, back, left, right, jump, sneak, sprint."""
    mouse: NDArray[np.float32]
    """Pitch and yaw in degrees per frame; positive looks down, and right."""


def action_space() -> spaces.Dict:
    return spaces.Dict({"keys": spaces.MultiBinary(NUM_KEYS),
                        "mouse": spaces.Box(-MAX_TURN, MAX_TURN, (2,), np.float32)})


def parse_actions(file_or_text: str | os.PathLike[str]) -> list[Action]:
    """The steps that text or a file describes in any grammar of `mw generate --actions`.

    `parse_actions("w*16, right(4)*24")` is 40 actions. Raises ValueError that names the place.
    """
    return [Action(keys=np.array(keys, np.int8), mouse=np.array([pitch, yaw], np.float32))
            for keys, pitch, yaw in _core.parse_actions(os.fspath(file_or_text))]


def unpack(action: Action) -> tuple[list[int], float, float]:
    """An action as the compiled part takes it. Raises ValueError unless it is one."""
    try:
        keys, mouse = np.asarray(action["keys"]), np.asarray(action["mouse"], np.float32)
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise ValueError(f"action: wanted a dict of keys and mouse, got {action!r}".replace("\n", " ")) from error
    if keys.shape != (NUM_KEYS,) or not np.isin(keys, (0, 1)).all():
        raise ValueError(f"action: keys must be {NUM_KEYS} of 0 or 1, got {keys.tolist()}")
    if mouse.shape != (2,):
        raise ValueError(f"action: mouse must be pitch and yaw, got {mouse.tolist()}")
    return [int(key) for key in keys], float(mouse[0]), float(mouse[1])
