# SPDX-License-Identifier: GPL-2.0-only
"""Shell scripts satisfy shellcheck; Python files compile."""

import subprocess

from sources import ROOT, all_files, finish


def first_line(path):
    with open(ROOT / path, "rb") as file:
        return file.readline().decode(errors="replace")


def main():
    problems = []
    files = all_files()
    shell = [path for path in files if path.suffix == ".sh" or
             first_line(path).startswith(("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash", "# shellcheck shell"))]
    done = subprocess.run(["shellcheck", "--format=gcc", *shell], cwd=ROOT, capture_output=True, text=True, check=False)
    problems += (done.stdout + done.stderr).splitlines()
    python = [path for path in files if path.suffix == ".py"]
    for path in python:
        try:
            compile((ROOT / path).read_bytes(), str(path), "exec")
        except SyntaxError as error:
            problems.append(f"{path}:{error.lineno}: {error.msg}")
    finish(problems, min(len(shell), len(python)) and len(shell) + len(python), "scripts")


if __name__ == "__main__":
    main()
