# SPDX-License-Identifier: GPL-2.0-only
"""Machine checks at any moment: runs case machine_checks and sends it one after the other by QEMU's monitor. Fails as run.py does.

Usage: machine_check_coverage.py [NAME=VALUE]… (the case's words)
"""

import contextlib
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

import machines
import run

# An uncorrected error in bank 1 (SDM 3B 15.3.2.2: VAL UC EN PCC), of which the machine does not say more; MCIP.
COMMAND = b"mce 0 1 0xb200000000000000 0x4 0 0\n"


def send(monitor):
    with contextlib.suppress(BlockingIOError):  # its answers, which it would wait with
        while monitor.recv(65536, socket.MSG_DONTWAIT):
            pass
    time.sleep(random.random() / 1000)
    monitor.sendall(COMMAND)


def boot(build, words, monitor_path):
    machine = machines.MACHINES["one_cpu"]
    arguments = [*machine.arguments, "-monitor", f"unix:{monitor_path},server=on,wait=off", "-kernel", build / machines.IMAGE,
                 "-append", " ".join(["cpus=1", *words])]
    report = []
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as emulator:
        monitor = socket.socket(socket.AF_UNIX)
        try:
            for line in emulator.stdout:
                report.append(line.decode(errors="replace"))
                if report[-1].startswith("# machine check"):
                    if len([None for text in report if text.startswith("# machine check")]) == 1:
                        monitor.connect(str(monitor_path))
                    send(monitor)
        except OSError as error:
            report.append(f"# the monitor: {error}\n")
        finally:
            monitor.close()
    if emulator.returncode != machines.PASSED:
        report.append(f"# QEMU ended with status {emulator.returncode}\n")
    return "".join(report)


def main():
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"])
    with tempfile.TemporaryDirectory(prefix="coop-metal-") as folder:
        report = boot(build / "tests/metal", ["machine_checks", *sys.argv[1:]], pathlib.Path(folder) / "monitor")
    # The case asks for each, and goes on when it has come.
    report += f"figures: machine_checks {len(re.findall(r'^# machine check', report, re.M))}\n"
    (build / "test-logs").mkdir(exist_ok=True)
    (build / "test-logs/metal-machine-checks.log").write_text(report, encoding="utf-8")
    print("\n".join(re.findall(r"^(?:figures|# (?!machine check)).*", report, re.M)))
    problems = run.complaints(report)
    if problems:
        sys.exit(f"metal: {problems}")


if __name__ == "__main__":
    main()
