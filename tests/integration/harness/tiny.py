# SPDX-License-Identifier: GPL-2.0-only
"""The guest of a few instructions (tests/integration/tiny), run by bare ioctls, without coopctl."""

PROGRAM = "/share/build/tests/integration/tiny/coop_tiny"
DOORBELLS, EVENTS, STUCK, FAULT, MEASURE, HARDWARE = range(6)  # tiny/program.h
END_POWEROFF, END_STUCK, END_EXCEPTION = 1, 17, 18  # coop/guest/abi.h


def command(mode, count):
    """The shell command that runs one."""
    return f"{PROGRAM} {mode} {count}"


def parse(text):
    """What it prints, "name value" lines, as a dictionary; numbers as integers."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if " " in line)
    return {name: int(value) if value.lstrip("-").isdigit() else value for name, value in pairs}


def run(host, mode, count, timeout=120):
    return parse(host.check_run(command(mode, count), timeout=timeout))
