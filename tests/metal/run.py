# SPDX-License-Identifier: GPL-2.0-only
"""Boots the metal image on one machine of machines.py and judges its report.

Usage: run.py MACHINE [CASE | NAME=VALUE]…

COOP_BUILD_DIR: the build tree. The whole report is kept there, in test-logs/metal-….log; on success only the figures are shown.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

from machines import MACHINES

SECONDS = int(os.environ.get("COOP_METAL_SECONDS", "300"))


def complaints(report, words=()):
    """What is wrong with the report of a boot with these words; an end without a plan is a crash."""
    plan = re.search(r"^1\.\.(\d+)\r?$", report, re.M)
    passed = len(re.findall(r"^ok \d+ ", report, re.M))
    found = re.findall(r"^(not ok.*?)\r?$", report, re.M)
    if not plan:
        found.append("the report ends before its plan")
    elif int(plan[1]) == 0 or int(plan[1]) != passed:
        found.append(f"{passed} of {plan[1]} cases passed")
    named = [word for word in words if "=" not in word]
    if named:
        found += [f"{skipped} cannot run on this machine" for skipped in re.findall(r"^ok \d+ (.*?)\r?$", report, re.M) if "# SKIP" in skipped]
    if named and plan and int(plan[1]) != len(named):
        found.append("not every word is a case")
    if re.search(r"^# (QEMU ended|.*>>PANIC<<)", report, re.M):
        found.append("the emulator was not told of a success")
    return found


def main():
    machine, *words = sys.argv[1:]
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"])
    began = time.monotonic()
    try:
        report = MACHINES[machine].run(build / "tests/metal", words, SECONDS)
    except subprocess.TimeoutExpired as error:
        report = f"{(error.stdout or b'').decode(errors='replace')}\n# no end after {SECONDS} seconds\n"
    logs = build / "test-logs"
    logs.mkdir(exist_ok=True)
    (logs / f"metal-{'-'.join([machine, *words])}.log").write_text(report, encoding="utf-8")
    problems = complaints(report, words)
    if problems:
        print(report)
        sys.exit(f"metal on {machine}: " + "; ".join(problems))
    print(f"metal on {machine}, {time.monotonic() - began:.1f} seconds")
    print("\n".join(re.findall(r"^figures: .*", report, re.M)))


if __name__ == "__main__":
    main()
