# SPDX-License-Identifier: Apache-2.0
"""A small WebDriver client: the protocol is HTTP and JSON, so the standard library is enough."""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

# Nothing here leaves the machine, whatever proxy it has.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ARGUMENTS = ["--headless=new", "--no-proxy-server", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"]
ARROW_LEFT, ARROW_RIGHT = "\ue012", "\ue014"


def missing():
    """What the tests need and this machine lacks."""
    return [name for name in ("chromium", "chromedriver") if not shutil.which(name)]


def wait_for(what, condition, seconds=30.0):
    """The first true value of condition(); fails naming `what`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s for {what}; last value: {value!r}")
        time.sleep(0.05)


class Browser:
    """Headless Chromium under chromedriver. Use as a context manager."""

    def __init__(self, folder):
        self.log = open(pathlib.Path(folder) / "chromedriver.log", "w", encoding="utf-8")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=self.log,
                                       text=True)
        self.base = None
        for line in self.driver.stdout:
            if match := re.search(r"successfully on port (\d+)", line):
                self.base = f"http://127.0.0.1:{match.group(1)}"
                break
        if self.base is None:
            raise RuntimeError("chromedriver did not say its port")
        arguments = ARGUMENTS + (["--no-sandbox"] if os.geteuid() == 0 else [])
        options = {"binary": shutil.which("chromium"), "args": arguments}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except Exception:
            self.driver.terminate()
            raise
        self.base += f"/session/{answer['sessionId']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(10)
            self.driver.stdout.close()
            self.log.close()

    def call(self, method, path, body=None):
        data = None if method in ("GET", "DELETE") else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with OPENER.open(request, timeout=120) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {json.load(error)['value']['message']}") from None

    def open(self, address):
        self.call("POST", "/url", {"url": address})

    def run(self, script, *arguments):
        """The value of a script that ends with `return`."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector):
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{next(iter(found.values()))}/click")

    def keys(self, *steps):
        """steps: ("down", key), ("up", key) or ("wait", milliseconds)."""
        kinds = {"down": "keyDown", "up": "keyUp"}
        actions = [{"type": "pause", "duration": value} if kind == "wait" else {"type": kinds[kind], "value": value}
                   for kind, value in steps]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def move(self, x, y):
        """Moves the mouse to (x, y) of the window; a captured mouse reports the way there."""
        step = {"type": "pointerMove", "duration": 0, "origin": "viewport", "x": x, "y": y}
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [step]}]})

    def drag(self, x, y, dx, dy):
        """Presses the mouse at (x, y) of the window, moves it by (dx, dy) and lets go."""
        move = {"type": "pointerMove", "duration": 0, "origin": "viewport"}
        half = {**move, "x": x + dx // 2, "y": y + dy // 2}
        actions = [{**move, "x": x, "y": y}, {"type": "pointerDown", "button": 0}, half,
                   {**move, "x": x + dx, "y": y + dy}, {"type": "pointerUp", "button": 0}]
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})

    def new_tab(self):
        handle = self.call("POST", "/window/new", {"type": "tab"})["handle"]
        self.switch(handle)
        return handle

    def tab(self):
        return self.call("GET", "/window")

    def switch(self, handle):
        self.call("POST", "/window", {"handle": handle})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width, height, phone=False):
        """The size of the page itself; phone: with touch, as a phone's browser lays it out."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.devtools("Emulation.setTouchEmulationEnabled", enabled=phone)

    def color_scheme(self, scheme):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def console_errors(self):
        """Errors that the console got since the last call."""
        entries = self.call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
