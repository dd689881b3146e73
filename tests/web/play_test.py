#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays a world in headless Chromium, against a real server.

    play_test.py --out DIR build/mw play --no-browser --port {port}
    play_test.py --out DIR --address http://127.0.0.1:8000/

Given a command, the test starts it ({port} becomes 0, and the old port when it starts it again) and reads
the address from the line "http://127.0.0.1:PORT/" that it prints. Given an address (or MW_PLAY_ADDRESS), it
uses the server there, and leaves out the test that ends the server. Screenshots are left in DIR.
Exit status 77 (skipped) without chromium and chromedriver.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from webdriver import ARROW_LEFT, ARROW_RIGHT, Browser, missing, wait_for  # noqa: E402

KEEP_FRAME = """
  const canvas = document.querySelector('#stage canvas');
  const {width, height} = canvas;
  const rgba = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const gray = new Float32Array(width * height);
  for (let i = 0; i < gray.length; i++) gray[i] = rgba[4 * i] + 2 * rgba[4 * i + 1] + rgba[4 * i + 2];
  window.keptFrames = [...(window.keptFrames ?? []), {width, height, gray}].slice(-2);
"""
# How many pixels further left the last kept frame shows what the one before it showed, by the least mean
# difference. The middle rows say it best: what is far away moves by the turn alone.
MEASURE_SHIFT = """
  const [a, b] = window.keptFrames;
  const limit = Math.floor(a.width * 0.45);
  let best = 0, least = Infinity;
  for (let shift = -limit; shift <= limit; shift++) {
    let sum = 0, count = 0;
    for (let y = a.height >> 2; y < (3 * a.height) >> 2; y++) {
      for (let x = Math.max(0, -shift); x < Math.min(a.width, a.width - shift); x++) {
        sum += Math.abs(b.gray[y * a.width + x] - a.gray[y * a.width + x + shift]);
        count++;
      }
    }
    if (sum / count < least) [best, least] = [shift, sum / count];
  }
  return best;
"""
NETWORK_ERROR = re.compile(r"ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection to|status of (404|50\d)")


class Server:
    """The program under test, started by a command, or one that runs already."""

    def __init__(self, command, address):
        self.command, self.address, self.process = command, address, None

    def start(self):
        if not self.command:
            return
        port = re.search(r":(\d+)/", self.address).group(1) if self.address else "0"
        command = [word.replace("{port}", port) for word in self.command]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sys.stderr, text=True,
                                        start_new_session=True)
        for line in self.process.stdout:
            if match := re.search(r"http://[\w.\[\]:]+:\d+/\S*", line):
                self.address = match.group(0)
                break
        else:
            raise AssertionError(f"{' '.join(command)} ended ({self.process.wait()}) without its address")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class PlayTest(unittest.TestCase):
    server = None
    out = None

    @classmethod
    def setUpClass(cls):
        cls.server.start()
        cls.addClassCleanup(cls.server.kill)
        cls.browser = cls.enterClassContext(Browser(cls.out))
        cls.home = cls.browser.tab()

    def setUp(self):
        self.browser.switch(self.home)
        self.browser.resize(1280, 800)
        self.load()

    def load(self):
        self.browser.open(self.server.address)
        self.wait_live()

    def stats(self):
        return self.browser.run("return window.microworld?.stats() ?? null")

    def wait_live(self, seconds=60):
        return wait_for("a live world", lambda: (s := self.stats()) and s["state"] == "live" and s["frame"] and s,
                        seconds)

    def wait_action(self, action):
        return wait_for(f"the action {action}", lambda: (s := self.stats())["action"] == action and s)

    def wait_frames(self, count):
        first = self.stats()["frames"]
        wait_for(f"{count} frames", lambda: self.stats()["frames"] >= first + count)

    def test_loads_without_console_errors(self):
        self.wait_frames(5)
        self.assertEqual(self.browser.console_errors(), [])
        self.assertEqual(self.browser.run("return document.title"), "microworld")
        unnamed = self.browser.run("""
          return [...document.querySelectorAll('button, input:not([hidden]), textarea')].filter((e) =>
            !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)""")
        self.assertEqual(unnamed, [], "controls without a name")

    def test_frame_numbers_increase(self):
        numbers = []
        for _ in range(5):
            numbers.append(self.stats()["frame"])
            self.wait_frames(2)
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertGreater(self.stats()["fps"], 0)

    def test_key_is_obeyed_and_released(self):
        self.browser.keys(("down", "d"))
        self.wait_action("D")
        self.browser.keys(("up", "d"))
        stats = self.wait_action("none")
        self.assertGreaterEqual(stats["latency_ms"]["count"], 2)
        self.assertGreater(stats["latency_ms"]["p95"], 0)

    def test_keys_are_released_on_blur(self):
        self.browser.keys(("down", "w"))
        self.wait_action("W")
        self.browser.run("window.dispatchEvent(new Event('blur'))")
        self.wait_action("none")
        self.browser.keys(("up", "w"))

    def turn(self, move):
        """The shift that move() makes, in pixels; positive is a turn to the right."""
        self.browser.keys(("down", "c"), ("up", "c"))  # clears the view; sneaking in place moves nothing
        self.wait_action("none")
        self.wait_frames(2)
        self.browser.run(KEEP_FRAME)
        move()
        time.sleep(0.3)
        self.wait_frames(4)
        self.browser.run(KEEP_FRAME)
        return self.browser.run(MEASURE_SHIFT)

    def test_arrow_keys_turn(self):
        def tap(key):
            return lambda: self.browser.keys(("down", key), ("wait", 60), ("up", key))

        self.assertGreater(self.turn(tap(ARROW_RIGHT)), 2)
        self.assertLess(self.turn(tap(ARROW_LEFT)), -2)

    def test_captured_mouse_turns(self):
        self.browser.click("#veil-button")
        captured = "return document.pointerLockElement?.id"
        wait_for("the mouse to be captured", lambda: self.browser.run(captured) == "stage")
        self.browser.move(500, 300)

        def move_right():
            for x in range(500, 601, 20):
                self.browser.move(x, 300)

        self.assertGreater(self.turn(move_right), 2)
        self.browser.keys(("down", "m"), ("up", "m"))
        wait_for("the mouse to be free", lambda: self.browser.run(captured) is None)

    def test_dragging_turns(self):
        box = self.browser.run("return document.querySelector('#stage').getBoundingClientRect().toJSON()")
        x, y = int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 4)
        self.assertGreater(self.turn(lambda: self.browser.drag(x, y, 80, 0)), 2)
        self.assertLess(self.turn(lambda: self.browser.drag(x, y, -80, 0)), -2)

    def test_pause_stops_the_world(self):
        self.browser.click("#pause")
        time.sleep(0.5)
        before = self.stats()["frames"]
        time.sleep(0.7)
        self.assertEqual(self.stats()["frames"], before)
        self.browser.click("#pause")
        self.wait_frames(3)

    def test_gallery_starts_another_world(self):
        if self.browser.run("return document.querySelectorAll('.tile').length") < 2:
            self.skipTest("the server offers no start pictures")
        for tile in (".tile:nth-child(1)", ".tile:nth-child(2)"):
            self.browser.click(tile)
            chosen = f"return document.querySelector('{tile}').getAttribute('aria-pressed')"
            wait_for(f"{tile} to be chosen", lambda script=chosen: self.browser.run(script) == "true")
            wait_for("the start", lambda: self.browser.run("return document.querySelector('[aria-busy]')") is None)
            self.wait_live()
            self.wait_frames(5)
            self.browser.run(KEEP_FRAME)
        difference = self.browser.run("""
          const [a, b] = window.keptFrames;
          return a.gray.reduce((sum, v, i) => sum + Math.abs(v - b.gray[i]), 0) / a.gray.length / 4""")
        self.assertGreater(difference, 5, "mean grey levels between two starts")

    def test_what_was_played_is_saved_as_a_video(self):
        press = "document.getElementById('record').click()"
        self.browser.run(press)
        self.wait_frames(10)
        self.browser.run(press)
        fetched = wait_for("the server's video", lambda: self.browser.run("""
          return performance.getEntriesByType('resource').filter((e) => e.name.includes('/recording.mp4') && e.responseEnd)
            .map((e) => [e.name, e.responseStatus ?? 200, e.decodedBodySize])[0]"""))
        self.assertRegex(fetched[0], r"\?from=\d+&to=\d+$")
        self.assertEqual(fetched[1], 200)
        self.assertGreater(fetched[2], 1000)
        self.assertEqual(self.browser.console_errors(), [])

    def test_two_tabs_have_two_worlds(self):
        first = self.stats()["session"]
        second_tab = self.browser.new_tab()
        self.load()
        self.assertNotEqual(self.stats()["session"], first)
        self.browser.keys(("down", "d"))
        self.wait_action("D")
        self.browser.switch(self.home)
        self.assertEqual(self.stats()["session"], first)
        self.assertEqual(self.stats()["action"], "none")
        self.browser.switch(second_tab)
        self.browser.keys(("up", "d"))
        self.browser.call("DELETE", "/window")
        self.browser.switch(self.home)
        self.wait_frames(2)

    def test_a_branch_goes_on_in_a_new_tab(self):
        first = self.stats()["session"]
        tabs = set(self.browser.call("GET", "/window/handles"))
        self.browser.click("[data-command=branch]")
        new = wait_for("the branch's tab", lambda: set(self.browser.call("GET", "/window/handles")) - tabs)
        self.browser.switch(new.pop())
        self.wait_live()
        self.wait_frames(3)
        self.assertNotEqual(self.stats()["session"], first)
        recorded = self.browser.run("""
          const ask = new XMLHttpRequest();
          ask.open('GET', `/v1/sessions/${window.microworld.stats().session}/recording.jsonl`, false);
          ask.send();
          return [ask.status, ask.responseText.split('\\n').length]""")
        self.assertEqual(recorded[0], 200)
        self.browser.call("DELETE", "/window")
        self.browser.switch(self.home)
        self.wait_frames(2)

    def test_recovers_when_the_server_comes_back(self):
        if not self.server.command:
            self.skipTest("the server is not this test's to end")
        before = self.stats()["session"]
        self.server.kill()
        wait_for("the page to notice", lambda: self.stats()["state"] == "lost")
        self.assertIn("lost", self.browser.run("return document.querySelector('#veil-title').textContent"))
        self.server.start()
        after = self.wait_live()
        self.assertNotEqual(after["session"], before)
        self.browser.keys(("down", "d"))
        self.wait_action("D")
        self.browser.keys(("up", "d"))
        others = [text for text in self.browser.console_errors() if not NETWORK_ERROR.search(text)]
        self.assertEqual(others, [])

    def test_looks_right_in_every_size(self):
        sizes = [("desktop", 1280, 800, False), ("tablet", 820, 1100, False), ("phone", 360, 740, True)]
        for scheme in ("light", "dark"):
            self.browser.color_scheme(scheme)
            for name, width, height, phone in sizes:
                self.browser.resize(width, height, phone)
                self.load()
                self.wait_frames(3)
                with self.subTest(size=name, scheme=scheme):
                    self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width)
                    canvas = self.browser.run("""
                      const c = document.querySelector('#stage canvas'), r = c.getBoundingClientRect();
                      return [r.width / r.height, c.width / c.height, r.bottom]""")
                    self.assertAlmostEqual(canvas[0], canvas[1], delta=0.02)
                    self.assertLessEqual(canvas[2], height, "the picture is in view")
                self.browser.screenshot(self.out / f"{name}-{scheme}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for screenshots and logs")
    parser.add_argument("--address", default=os.environ.get("MW_PLAY_ADDRESS"), help="a server that runs already")
    parser.add_argument("--only", default="", help="run the tests whose names contain this")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="starts the server; {port} is its port")
    options = parser.parse_args()
    if missing():
        print(f"skipped: no {' and no '.join(missing())}")
        sys.exit(77)
    if not options.command and not options.address:
        parser.error("wanted a command that starts the server, or --address")
    options.out.mkdir(parents=True, exist_ok=True)
    PlayTest.server = Server(options.command, None if options.command else options.address)
    PlayTest.out = options.out
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(PlayTest)
    chosen = unittest.TestSuite(test for test in suite if options.only in test.id())
    sys.exit(0 if unittest.TextTestRunner(verbosity=2).run(chosen).wasSuccessful() else 1)


if __name__ == "__main__":
    main()
