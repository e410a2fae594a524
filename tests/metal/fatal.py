# SPDX-License-Identifier: GPL-2.0-only
"""What docs/threat-model.md calls not contained: case fatal, one boot for each way. Fails if the machine outlives one, which then is
contained and should be tested as such.
"""

import os
import pathlib
import subprocess
import sys

import machines

WAYS = ("no IDT, interrupts on", "no GDT, interrupts on", "NXE cleared", "the passage's data overwritten", "triple fault", "reset by port")
SECONDS = 10


def outcome(build, way):
    try:
        report = machines.MACHINES["one_cpu"].run(build / "tests/metal", ["fatal", f"way={way}"], SECONDS)
    except subprocess.TimeoutExpired:
        return "hangs"
    # QEMU leaves with 0 when a machine resets (-no-reboot).
    return "resets" if "# QEMU ended with status 0" in report else "lives on" if "# contained" in report else "host dies"


def main():
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"])
    found = {name: outcome(build, way) for way, name in enumerate(WAYS)}
    for name, what in found.items():
        print(f"{name}: {what}")
    if "lives on" in found.values():
        sys.exit("metal: contained after all")


if __name__ == "__main__":
    main()
