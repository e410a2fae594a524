# SPDX-License-Identifier: GPL-2.0-only
"""clang-tidy over what the build compiles as hosted code; the core is among it, as it is compiled for unit tests too.
The tests themselves are left out: they would take longer than all the rest.

A file that was clean is not looked at again until something that goes into the verdict changes: the file or one that it
includes, the system's among them, its command, .clang-tidy, the program itself. The verdicts are kept in COOP_CACHE.

Usage: check_tidy.py BUILD_DIRECTORY
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

from sources import ROOT, finish

KEPT_DAYS = 60  # a verdict that nobody asks for
# GCC's own, unknown to clang.
GCC_ONLY = re.compile(r"^(-fno-sanitize-recover=.*|-fsanitize=.*|-static-lib.*)$")


def hosted(build):
    """Compile commands of our C and C++ files, one per file; those with kernel flags are left out."""
    chosen = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(entry["file"])
        if path.suffix not in (".c", ".cpp") or not path.is_relative_to(ROOT) or "-ffreestanding" in entry["command"]:
            continue
        if path.is_relative_to(ROOT / "tests"):
            continue
        words = entry["command"].split()
        entry["command"] = " ".join(word for word in words if not GCC_ONLY.match(word))
        chosen.setdefault(path, entry)
    return chosen


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("COOP_CACHE") or pathlib.Path(home) / "coop") / "tidy"


@functools.cache
def program():
    """What judges, but for the file itself."""
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
    return version + (ROOT / ".clang-tidy").read_text(encoding="utf-8")


@functools.cache
def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def inputs(entry):
    """Files that the compiler reads for it, as the compiler tells; None if it cannot."""
    words = shlex.split(entry["command"])
    output = words.index("-o")
    del words[output:output + 2]
    done = subprocess.run([*words, "-M"], cwd=entry["directory"], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return shlex.split(done.stdout.partition(":")[2].replace("\\\n", " "))


def key(entry):
    """A name for the verdict on this file, the same in each checkout; None if there is no telling."""
    files = inputs(entry)
    if files is None:
        return None
    parts = [program(), entry["command"], *(f"{path} {digest(os.path.join(entry['directory'], path))}" for path in files)]
    return hashlib.sha256("\n".join(parts).replace(str(ROOT), "").encode()).hexdigest()


def tidy(database, path):
    done = subprocess.run(["clang-tidy", "--quiet", "-p", database, path], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    lines = [line for line in done.stdout.splitlines() if re.search(r": (error|warning): ", line)]
    if done.returncode and not lines:
        lines = [f"{path}: clang-tidy ended with status {done.returncode}: {done.stderr.strip()}"]
    return lines


def judge(database, path, entry):
    """The problems of a file, and whether they were known; that it has none is remembered."""
    name = key(entry)
    verdict = name and cache() / name
    if verdict and verdict.exists():
        verdict.touch()
        return [], True
    lines = tidy(database, path)
    if verdict and not lines:
        verdict.touch()
    return lines, False


def forget_old():
    for verdict in cache().iterdir():
        if verdict.stat().st_mtime < time.time() - KEPT_DAYS * 86400:
            verdict.unlink(missing_ok=True)


def main():
    cache().mkdir(parents=True, exist_ok=True)
    commands = hosted(pathlib.Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as database:
        (pathlib.Path(database) / "compile_commands.json").write_text(json.dumps(list(commands.values())),
                                                                      encoding="utf-8")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            judged = list(pool.map(lambda item: judge(database, *item), commands.items()))
    forget_old()
    print(f"clang-tidy: {sum(known for _, known in judged)} of {len(judged)} known to be clean")
    lines = [line for found, _ in judged for line in found]
    finish(sorted(set(lines)), len(commands), "clang-tidy's files")


if __name__ == "__main__":
    main()
