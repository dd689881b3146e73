#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the commands that the documents show.

    documented_commands.py options MW     every `build/mw ...` line in any document names a command
                                          and options that the program MW really has, and every
                                          `make NAME` a target of the Makefile
    documented_commands.py run MW FOLDER  the README's blocks marked <!-- run by a test --> are
                                          executed in FOLDER, a stand-in for a fresh checkout

Exit status 1 with one line for each fault; 77 (skipped) where nothing can be run.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(<!-- run by a test -->\n)?^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documents():
    return [p for p in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").rglob("*.md"),
                        *(ROOT / "data").rglob("*.md")] if p.is_file()]


def blocks(text):
    """(is run, [whole command lines]) of each sh block, continued lines joined."""
    for match in BLOCK.finditer(text):
        joined = match.group(2).replace("\\\n", " ")
        yield bool(match.group(1)), [line.strip() for line in joined.splitlines() if line.strip()]


def help_text(program, path, cache={}):
    key = tuple(path)
    if key not in cache:
        result = subprocess.run([program, *path, "--help"], capture_output=True, text=True, check=False)
        cache[key] = result.stdout if result.returncode == 0 else None
    return cache[key]


def faults_of_mw(program, words):
    path = []
    while words and re.fullmatch(r"[a-z][a-z-]*", words[0]) and help_text(program, [*path, words[0]]):
        # A word that is no subcommand prints the same help as its parent: it is an argument.
        if help_text(program, [*path, words[0]]) == help_text(program, path):
            break
        path.append(words.pop(0))
    if not path:
        yield f"mw has no command '{words[0] if words else ''}'"
        return
    text = help_text(program, path)
    for word in words:
        option = word.split("=")[0]
        if re.fullmatch(r"--[a-z][a-z-]*", option) and not re.search(rf"{re.escape(option)}\b", text):
            yield f"mw {' '.join(path)} has no option {option}"


def check_options(program):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    checked, faults = 0, []
    for document in documents():
        for _, lines in blocks(document.read_text()):
            for line in lines:
                try:
                    words = shlex.split(line, comments=True)
                except ValueError as error:
                    faults.append(f"{document.relative_to(ROOT)}: {error} in: {line}")
                    continue
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words.pop(0)
                found = []
                if words[:1] == ["build/mw"]:
                    found = list(faults_of_mw(program, words[1:]))
                elif words[:1] == ["make"]:
                    found = [f"make has no target '{w}'" for w in words[1:2] if "=" not in w and w not in targets]
                else:
                    continue
                checked += 1
                faults += [f"{document.relative_to(ROOT)}: {fault}, in: {line}" for fault in found]
    return checked, faults


def run_readme(program, folder):
    """Runs in a folder with the repository's data linked in, so outputs never land in the checkout."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("models", "data", "configs"):
        link = folder / name
        if not link.is_symlink() and (ROOT / name).exists():
            link.symlink_to(ROOT / name)
    (folder / "build").mkdir(exist_ok=True)
    alias = folder / "build/mw"
    alias.unlink(missing_ok=True)
    alias.symlink_to(program)
    faults, checked = [], 0
    for is_run, lines in blocks((ROOT / "README.md").read_text()):
        for line in lines if is_run else []:
            checked += 1
            result = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=folder, text=True,
                                    capture_output=True, check=False)
            if result.returncode != 0:
                faults.append(f"README.md: status {result.returncode} of: {line}\n{result.stderr[-2000:]}")
    return checked, faults


def main():
    mode, program = sys.argv[1], os.path.abspath(sys.argv[2])
    checked, faults = check_options(program) if mode == "options" else run_readme(
        program, pathlib.Path(sys.argv[3]).resolve())
    for fault in faults:
        print(fault)
    print(f"{checked} commands checked, {len(faults)} faults")
    if checked == 0:
        sys.exit("the documents show no commands: is the pattern still right?")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
