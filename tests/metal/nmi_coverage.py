# SPDX-License-Identifier: GPL-2.0-only
"""Which instructions of the passage were hit by an NMI: runs case nmi_sweep, then compares QEMU's log of interrupts with the
disassembly. Fails if one was not that could be.

Usage: nmi_coverage.py [NAME=VALUE]… (the case's words)
"""

import os
import pathlib
import re
import sys
import tempfile

import machines
import passage
import run


def main():
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"]).resolve()
    words = ["nmi_sweep", *sys.argv[1:]]
    code, start = passage.instructions(build / "tests/metal" / machines.IMAGE)
    with tempfile.TemporaryDirectory(prefix="coop-metal-") as folder:
        os.chdir(folder)
        report = machines.MACHINES["icount"].run(build / "tests/metal", words, run.SECONDS)
        found = passage.taken(pathlib.Path("interrupts.log"), passage.NMI, start) & {*code}
    excuses = passage.Excuses(code)
    for reason, offsets in excuses.left_to_the_stub().items():
        excuses.add(offsets, f"{reason}; metal.machine_check has it")
    excuses.add([*excuses.nmi, *excuses.stub(passage.NMI)], "NMIs are blocked while one is taken")
    lines, missing = passage.account(code, found, excuses.reasons)
    report += "".join(lines)
    report += f"figures: passage_instructions {len(code)} passage_hit {len(found)} passage_excused {len(lines)}\n"
    (build / "test-logs").mkdir(exist_ok=True)
    (build / "test-logs/metal-nmi.log").write_text(report, encoding="utf-8")
    print("\n".join([*re.findall(r"^(?:figures|# (?!not hit)).*", report, re.M), *missing]))
    problems = run.complaints(report)
    if missing or problems:
        sys.exit(f"metal: {len(missing)} instructions never hit; {problems}")


if __name__ == "__main__":
    main()
