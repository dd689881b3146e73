#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the Python package into a virtual environment of the build folder, and tests it there.

    run_tests.py --build build --libtorch .deps/python/torch --program build/mw

The package is made from the checkout by pip, and links the libraries that the build folder holds. What it
needs comes from PyPI once (requirements.txt). Exit status 77 (skipped) when that can't be reached.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def succeeds(command, **options):
    """Whether it does; its output is shown when not."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if result.returncode != 0:
        print(" ".join(map(str, command)), result.stdout, sep="\n", flush=True)
    return result.returncode == 0


def package_index(python):
    """The address that pip asks."""
    told = subprocess.run([python, "-m", "pip", "config", "get", "global.index-url"], capture_output=True,
                          text=True, check=False)
    return os.environ.get("PIP_INDEX_URL") or told.stdout.strip() or "https://pypi.org/simple"


def why_unreachable(address):
    """None when a server answers, whatever it says."""
    try:
        urllib.request.urlopen(address.rstrip("/") + "/pip/", timeout=20).close()
    except urllib.error.HTTPError:
        return None
    except OSError as error:
        return str(error)
    return None


def make_environment(folder):
    """The environment's Python, with requirements.txt installed."""
    python, stamp = folder / "bin/python", folder / "installed"
    wanted = f"{sys.version}\n{(HERE / 'requirements.txt').read_text()}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    if not succeeds([sys.executable, "-m", "venv", "--clear", folder]):
        sys.exit("no virtual environment: is python3-venv installed? `make setup` does it")
    if not succeeds([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
                     "--requirement", HERE / "requirements.txt"]):
        address = package_index(python)
        reason = why_unreachable(address)
        if reason:
            print(f"skipped: {address} can't be reached ({reason})")
            sys.exit(77)
        sys.exit("pip could not install tests/python/requirements.txt, though there is a network")
    stamp.write_text(wanted)
    return python


def install_package(python, build, libtorch):
    settings = {"build-dir": build / "python-package", "cmake.define.MW_LIBRARIES_OF": build,
                "cmake.define.LIBTORCH_ROOT": libtorch.absolute()}
    environment = {**os.environ, "CMAKE_BUILD_PARALLEL_LEVEL": str(os.cpu_count() or 1)}
    if not succeeds([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index",
                     "--no-build-isolation", "--check-build-dependencies", ROOT,
                     *(f"--config-settings={name}={value}" for name, value in settings.items())], env=environment):
        sys.exit("pip could not install the package")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder of the libraries")
    parser.add_argument("--libtorch", type=pathlib.Path, required=True, help="that they were built with")
    parser.add_argument("--program", type=pathlib.Path, required=True, help="mw")
    options = parser.parse_args()
    build = options.build.resolve()
    python = make_environment(build / "python-env")
    install_package(python, build, options.libtorch)
    # Worlds choose their number of threads themselves, in Python as in the program.
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment["MW_PROGRAM"] = str(options.program.resolve())
    tests = subprocess.run([python, HERE / "env_test.py"], check=False, env=environment)
    sys.exit(1 if tests.returncode else 0)


if __name__ == "__main__":
    main()
