# SPDX-License-Identifier: Apache-2.0
"""Action-controlled video world models as Gymnasium environments.

Importing this package registers `microworld/Overworld-v0`:

    import gymnasium
    import microworld

    env = gymnasium.make("microworld/Overworld-v0", image="start.png")
"""

import importlib.metadata

import gymnasium

from microworld._build import TORCH_VERSION


def _check_torch() -> None:
    """Two libtorch builds in one process end in a crash, so it is refused in words."""
    try:
        found = importlib.metadata.version("torch").split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return
    if found != TORCH_VERSION:
        raise ImportError(f"microworld was built with torch {TORCH_VERSION}, and torch {found} is installed here: "
                          f"install torch=={TORCH_VERSION}, or build microworld with the installed one "
                          "(LIBTORCH_ROOT, see docs/python.md)")


_check_torch()

from microworld.actions import Action, parse_actions  # noqa: E402
from microworld.env import OverworldEnv  # noqa: E402

__all__ = ["Action", "OverworldEnv", "parse_actions"]

gymnasium.register(id="microworld/Overworld-v0", entry_point="microworld.env:OverworldEnv")
