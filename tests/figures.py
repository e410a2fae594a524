# SPDX-License-Identifier: GPL-2.0-only
"""What tests have done: lines 'figures: NAME NUMBER …' of their output.

Usage: figures.py BUILD_DIR keep      take those of ctest's last run to BUILD_DIR/figures.json; print their sum if it was metal
       figures.py BUILD_DIR table     the figures kept, and the outcomes of tools/dev mutants, as the table of docs/testing.md
       figures.py BUILD_DIR write     the same, into that file; what did not run here keeps the figure it has there

A test that failed has no figures but that: it loses what it had.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/testing.md"
BEGIN, END = "<!-- tools/dev figures -->\n", "<!-- end of figures -->\n"
NOT_RUN = "not run"


def figures(text):
    """{name: sum}"""
    found = collections.Counter()
    for line in re.findall(r"(?:^|\.\.\. )figures: (.*?)\r?$", text, re.M):
        words = line.split()
        found.update({name: int(value) for name, value in zip(words[::2], words[1::2])})
    return found


def last_run(build):
    """{test: its figures, or None if it failed}"""
    log = (build / "Testing/Temporary/LastTest.log").read_text(encoding="utf-8", errors="replace")
    tests = re.findall(r'^\d+/\d+ Testing: (\S+)\n(.*?)^"\1" time elapsed', log, re.M | re.S)
    return {name: figures(text) if "\nTest Passed.\n" in text else None for name, text in tests}


def read_kept(build):
    path = build / "figures.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(build):
    run = last_run(build)
    kept = {**read_kept(build), **run}
    text = json.dumps({name: found for name, found in kept.items() if found or found is None}, indent=1, sort_keys=True)
    (build / "figures.json").write_text(text + "\n", encoding="utf-8")
    if all(name.startswith("metal.") for name in run):
        total = collections.Counter()
        for found in run.values():
            total.update(found or {})
        failed = sum(found is None for found in run.values())
        print(f"metal: {len(run)} tests, {failed} failed;", ", ".join(f"{name} {value}" for name, value in total.items() if name != "failed"))


def mutants():
    done = subprocess.run(["python3", "-B", ROOT / "tests/mutants/mutants.py", "--report"], capture_output=True, text=True, check=False)
    left = re.search(r"^not run: (\d+)", done.stdout, re.M)
    killed, of_all, survived = re.search(r"^mutants: (\d+) killed of (\d+), (\d+) survived", done.stdout, re.M).groups()
    if of_all == "0":
        return NOT_RUN
    return f"{killed} of {of_all}; {survived} survived" + (f"; {left[1]} not run" if left else "")


def rows(kept):
    """(what, figure, command)"""

    def those(pattern):
        return {name: found for name, found in kept.items() if re.search(pattern, name)}

    def total(name, pattern):
        """Of the tests with such names; and how many of them have failed, which have none."""
        tests = those(pattern).values()
        value, failed = sum(found.get(name, 0) for found in tests if found), sum(found is None for found in tests)
        words = ([f"{value:,}"] if value else []) + ([f"{failed} failed"] if failed else [])
        return "; ".join(words) or NOT_RUN

    metal, random = r"^metal\.", r"^metal\.state"
    # Each test is named for its machine, but for those of one question, which use the machines of others.
    questions = r"^metal\.(nmi|interrupt|machine_check|pcid|ffxsr|fatal|state.*)$"
    machines = {re.sub(r"^metal\.((cpu|model)_)?", "", name) for name, found in those(metal).items()
                if found and found.get("cases") and not re.match(questions, name)}
    return [
        ("switches, every register random in both worlds", total("switches", random), "test --long metal"),
        ("switches of all metal tests", total("switches", metal), "test --long metal"),
        ("instructions of the passage, both directions", total("passage_instructions", r"^metal\.nmi$"), "test metal"),
        ("… hit by an NMI", total("passage_hit", r"^metal\.nmi$"), "test metal"),
        ("… not by an NMI, each with its reason in the log", total("passage_excused", r"^metal\.nmi$"), "test metal"),
        ("… hit by a machine check", total("machine_check_hit", r"^metal\.machine_check$"), "test metal"),
        ("… not by a machine check, each with its reason in the log", total("machine_check_excused", r"^metal\.machine_check$"), "test metal"),
        ("edges of the passage for an interrupt", total("interrupt_windows", r"^metal\.interrupt$"), "test metal"),
        ("… at which one came", total("interrupt_windows_hit", r"^metal\.interrupt$"), "test metal"),
        ("machine checks", total("machine_checks", r"^metal\.machine_check$"), "test metal"),
        ("NMIs in guests or the passage", total("nmis", metal), "test --long metal"),
        ("machines and CPU models", f"{len(machines)}: {', '.join(sorted(machines))}" if machines else NOT_RUN, "test --long metal"),
        ("mutants killed", mutants(), "mutants"),
        ("fuzzed virtqueues", total("fuzz_virtqueue_executions", r"fuzz\.virtqueue"), "test --long fuzz"),
        ("fuzzed network cards", total("fuzz_net_executions", r"fuzz\.net"), "test --long fuzz"),
        ("fuzzed kernel images", total("fuzz_kernel_image_executions", r"fuzz\.kernel_image"), "test --long fuzz"),
        ("fuzzed ioctls", total("ioctl_fuzz_executions", r"^integration\.ioctl_fuzz"), "test --long integration.ioctl_fuzz"),
        ("… of coop.sys, in the NT-ABI harness", total("ioctl_fuzz_executions", r"^nt\.harness_fuzz"), "test --long nt.harness_fuzz"),
        ("soak: seconds", total("soak_seconds", r"^integration\.soak"), "test --long soak"),
        ("… switches", total("soak_switches", r"^integration\.soak"), "test --long soak"),
        ("… NMIs", total("soak_nmis", r"^integration\.soak"), "test --long soak"),
        ("… that the host's kernel handled", total("soak_nmis_handled", r"^integration\.soak"), "test --long soak"),
        ("… MB through the guests' networks", total("soak_net_mb", r"^integration\.soak"), "test --long soak"),
    ]


def table(build, before=""):
    """before: a table whose figures stay where there is no new one"""
    known = dict(re.findall(r"^\| (.*?) \| (.*?) \|", before, re.M))
    lines = [
        f"| {what} | {known.get(what, NOT_RUN) if figure == NOT_RUN else figure} | `{command}` |"
        for what, figure, command in rows(read_kept(build))
    ]
    return "\n".join(["| What | Figure | `tools/dev` … |", "|---|---|---|", *lines]) + "\n"


def write(build):
    head, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
    before, tail = rest.split(END)
    DOCUMENT.write_text(head + BEGIN + table(build, before) + END + tail, encoding="utf-8")


def main():
    build, command = pathlib.Path(sys.argv[1]), sys.argv[2]
    if command == "keep":
        keep(build)
    elif command == "write":
        write(build)
    else:
        print(table(build), end="")


if __name__ == "__main__":
    main()
