# SPDX-License-Identifier: Apache-2.0
"""The installed Python package. MW_PROGRAM names the program whose frames it must equal."""

import ast
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

import microworld
from microworld import _core

ROOT = pathlib.Path(__file__).resolve().parents[2]
ID = "microworld/Overworld-v0"
HILLS = ROOT / "data/sample/start/hills.png"
STILL = microworld.parse_actions("none*1")[0]


def play(env, script, **reset):
    """The frames of an episode."""
    frames = [env.reset(**reset)[0]]
    for action in microworld.parse_actions(script):
        frames.append(env.step(action)[0])
    return np.stack(frames)


def shift_of(before, after):
    """How many pixels further left `after` shows what `before` showed, by its middle rows."""
    a, b = (frame[24:72].astype(np.float32).sum(axis=2) for frame in (before, after))
    width = a.shape[1]
    def difference(shift):
        return np.abs(b[:, max(0, -shift):width - max(0, shift)] - a[:, max(0, shift):width + min(0, shift)]).mean()
    return min(range(-70, 71), key=difference)


class ApiTest(unittest.TestCase):
    def test_gymnasium_finds_no_fault(self):
        env = gymnasium.make(ID, render_mode="rgb_array")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check_env(env.unwrapped)
        # Degrees are no range of [-1, 1], which is all that it would like better.
        others = [str(w.message) for w in caught if "symmetric and normalized space" not in str(w.message)]
        self.assertEqual(others, [])

    def test_spaces_fit_the_model(self):
        env = gymnasium.make(ID)
        self.assertEqual(env.observation_space, gymnasium.spaces.Box(0, 255, (96, 176, 3), np.uint8))
        self.assertEqual(env.action_space["keys"].n, 7)
        self.assertEqual(env.metadata["render_fps"], 16)

    def test_the_module_in_the_id_needs_no_import(self):
        code = "import gymnasium; print(gymnasium.make('microworld:microworld/Overworld-v0').observation_space.shape)"
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(told.stdout.strip(), "(96, 176, 3)")

    def test_a_time_limit_truncates(self):
        env = gymnasium.make(ID, max_episode_steps=2, image=HILLS)
        _, info = env.reset(seed=5)
        self.assertEqual(info, {"frame_index": 0, "seed": 5})
        self.assertEqual(env.step(STILL)[1:], (0.0, False, False, {"frame_index": 1}))
        self.assertEqual(env.step(STILL)[1:], (0.0, False, True, {"frame_index": 2}))

    def test_render_gives_the_newest_frame(self):
        env = gymnasium.make(ID, render_mode="rgb_array", image=HILLS)
        env.reset(seed=1)
        frame = env.step(STILL)[0]
        np.testing.assert_array_equal(env.render(), frame)

    def test_the_stub_names_what_the_module_has(self):
        tree = ast.parse((pathlib.Path(microworld.__file__).parent / "_core.pyi").read_text())
        stubs = {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        self.assertEqual(set(stubs), {name for name in vars(_core) if not name.startswith("_")})
        world = {node.name for node in stubs["World"].body if isinstance(node, ast.FunctionDef)} - {"__init__"}
        self.assertEqual(world, {name for name in vars(_core.World) if not name.startswith("_")})


class FramesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.env = gymnasium.make(ID).unwrapped

    def test_equal_seeds_and_actions_give_equal_frames(self):
        options = {"image": HILLS}
        first = play(self.env, "w+right(3)*4", seed=3, options=options)
        again = play(gymnasium.make(ID, image=str(HILLS)), "w+right(3)*4", seed=3)
        other = play(self.env, "w+right(3)*4", seed=4, options=options)
        np.testing.assert_array_equal(first, again)
        self.assertFalse(np.array_equal(first, other))

    def test_without_a_seed_the_generator_goes_on(self):
        episodes = []
        for _ in range(2):
            self.env.reset(seed=11, options={"image": HILLS})
            episodes.append([self.env.reset(options={"image": HILLS})[1]["seed"] for _ in range(2)])
        self.assertEqual(episodes[0], episodes[1])
        self.assertNotEqual(*episodes[0])

    def generate(self, *options):
        """The frames of `mw generate`."""
        with tempfile.TemporaryDirectory() as folder:
            command = [os.environ["MW_PROGRAM"], "generate", *options, "--out", f"{folder}/%05d.png"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            return np.stack([_core.read_image(str(file)) for file in sorted(pathlib.Path(folder).iterdir())])

    def test_frames_equal_those_of_the_program(self):
        script = "w*3, right(4)*3, a+space+up(1.7)*2"
        wanted = self.generate("--image", str(HILLS), "--seed", "7", "--pitch", "4", "--actions", script)
        picture = _core.read_image(str(HILLS))
        for image in (HILLS, picture, np.asfortranarray(picture)):
            found = play(self.env, script, seed=7, options={"image": image, "pitch": 4})
            np.testing.assert_array_equal(found, wanted)

    def test_imagined_frames_equal_those_of_the_program(self):
        caption = "hills with trees"
        wanted = self.generate("--task", "t2w", "--prompt", caption, "--seed", "2", "--actions", "d*2")
        np.testing.assert_array_equal(play(self.env, "d*2", seed=2, options={"caption": caption}), wanted)

    def test_turning_right_moves_the_picture_left(self):
        for script, low, high in (("right(4)*6", 15, 45), ("left(4)*6", -45, -15)):
            frames = play(self.env, script, seed=1, options={"image": HILLS})
            self.assertTrue(low <= shift_of(frames[0], frames[-1]) <= high, script)

    def test_frames_are_arrays_of_their_own(self):
        first, _ = self.env.reset(seed=1, options={"image": HILLS})
        kept = first.copy()
        second = self.env.step(STILL)[0]
        second[:] = 0
        np.testing.assert_array_equal(first, kept)
        self.assertTrue(self.env.step(STILL)[0].any())


class RefusalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.env = gymnasium.make(ID).unwrapped

    def assert_refused(self, wanted, call, *arguments, **named):
        with self.assertRaises(ValueError) as caught:
            call(*arguments, **named)
        self.assertRegex(str(caught.exception), wanted)
        self.assertNotIn("\n", str(caught.exception))

    def test_bad_options(self):
        for options, wanted in (
            ({"imgae": HILLS}, "unknown option 'imgae', wanted image, caption, pitch"),
            ({"image": "no/such.png"}, "no/such.png"),
            ({"image": ROOT / "README.md"}, "README.md"),
            ({"image": 7}, "wanted a file or an array .* got a int"),
            ({"image": np.zeros((4, 4, 3))}, r"wanted an array uint8 \[H, W, 3\], got float64 \[4, 4, 3\]"),
            ({"image": np.zeros((4, 4), np.uint8)}, r"got uint8 \[4, 4\]"),
            ({"image": np.zeros((0, 4, 3), np.uint8)}, "4x0"),
            ({"caption": None}, "caption: wanted text, got a NoneType"),
            ({"pitch": 91}, "pitch: wanted degrees from -90 to 90, got 91"),
            ({"pitch": "down"}, "got 'down'"),
        ):
            with self.subTest(options=str(options)):
                self.assert_refused(wanted, self.env.reset, seed=1, options=options)

    def test_bad_actions(self):
        self.env.reset(seed=1, options={"image": HILLS})
        keys, mouse = STILL["keys"], STILL["mouse"]
        for action, wanted in (
            (None, "wanted a dict of keys and mouse"),
            ({"keys": keys}, "wanted a dict of keys and mouse"),
            ({"keys": keys[:6], "mouse": mouse}, "keys must be 7 of 0 or 1"),
            ({"keys": keys + 2, "mouse": mouse}, "keys must be 7 of 0 or 1"),
            ({"keys": keys, "mouse": [1.0]}, "mouse must be pitch and yaw"),
            ({"keys": keys, "mouse": [0.0, 181.0]}, "180"),
            ({"keys": keys, "mouse": [0.0, float("nan")]}, "finite|number|nan"),
        ):
            with self.subTest(action=str(action)):
                self.assert_refused(wanted, self.env.step, action)
        self.assert_refused("unknown name 'rigth'", microworld.parse_actions, "rigth(3)*2")

    def test_bad_models(self):
        self.assert_refused("no model there", gymnasium.make, ID, model="no_such_model")
        self.assert_refused("fp32 or bf16, got 'fp8'", gymnasium.make, ID, dtype="fp8")
        self.assert_refused("wanted rgb_array", microworld.OverworldEnv, render_mode="human")

    def test_a_world_must_be_started_and_open(self):
        env = microworld.OverworldEnv()
        self.assert_refused("start it before the first step", env.step, STILL)
        env.close()
        self.assert_refused("the environment is closed", env.reset)


class ManyTest(unittest.TestCase):
    def test_a_vector_of_two(self):
        envs = gymnasium.make_vec(ID, num_envs=2, image=HILLS)
        frames, _ = envs.reset(seed=20)
        self.assertEqual(frames.shape, (2, 96, 176, 3))
        walk = microworld.parse_actions("w+right(2)*1")[0]
        batch = {name: np.stack([STILL[name], walk[name]]) for name in walk}
        for _ in range(2):
            frames, rewards, _, truncated, info = envs.step(batch)
        self.assertEqual(rewards.tolist() + truncated.tolist(), [0, 0, False, False])
        self.assertEqual(info["frame_index"].tolist(), [2, 2])
        for i, script in enumerate(("none*2", "w+right(2)*2")):
            np.testing.assert_array_equal(frames[i], play(gymnasium.make(ID, image=HILLS), script, seed=20 + i)[-1])
        envs.close()

    def test_environments_share_weights(self):
        first, second, other = (microworld.OverworldEnv(dtype=dtype) for dtype in ("fp32", "fp32", "bf16"))
        self.assertIs(first._weights, second._weights)
        self.assertIsNot(first._weights, other._weights)

    def test_threads_play_side_by_side(self):
        script = "w*4, right(5)*4"
        alone = [play(gymnasium.make(ID, image=HILLS), script, seed=seed) for seed in (1, 2)]
        together = [None, None]
        def run(i):
            together[i] = play(gymnasium.make(ID, image=HILLS), script, seed=i + 1)
        threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        np.testing.assert_array_equal(together, alone)

    def test_other_threads_run_while_a_world_steps(self):
        env = gymnasium.make(ID, image=HILLS)
        env.reset(seed=1)
        steps, ticks = 8, 0
        stepping = threading.Thread(target=lambda: [env.step(STILL) for _ in range(steps)])
        stepping.start()
        while stepping.is_alive():  # Were the lock held, one turn in each step at the most.
            time.sleep(0.001)
            ticks += 1
        self.assertGreater(ticks, 2 * steps)


class DocumentTest(unittest.TestCase):
    def test_the_examples_run(self):
        for document in (ROOT / "docs/python.md", ROOT / "README.md"):
            blocks = re.findall(r"^```python\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
            self.assertTrue(blocks, document)
            names = {}
            for block in blocks:
                exec(compile(block, document.name, "exec"), names)  # noqa: S102


if __name__ == "__main__":
    os.chdir(ROOT)
    unittest.main(verbosity=2)
