# SPDX-License-Identifier: GPL-2.0-only
"""Does a test fail for each step of the world switch that is left out? Called by tools/dev mutants, which tells the options."""

import argparse
import hashlib
import queue
import re
import sys
import threading
import time

import by_hand
import derive
import tree

PLACE = tree.ROOT / "build/mutants"
REASONS = tree.ROOT / "tests/mutants/survivors.txt"
# Words of tests/metal/run.py: the shortest first, each for what those before cannot notice.
BOOTS = [
    "one_cpu hello events exceptions state switches=100",
    "one_cpu notify signal unknown_doorbells host_interrupts nmi_in_guest side_by_side user_events self_interrupt killed stack_gone seed=5",
    "old hello state switches=60",
    "qemu bad_tables debugging two_threads killed_from_afar evicted migration",
    "one_cpu state switches=1500 seed=7",
    "bochs tlb_global tlb_frames",
    "bochs_two tlb_migration",
    "icount nmi_sweep",
    "icount interrupt_sweep",
    "qemu",
    "bochs",
]
PATIENCE = 6  # times as long as the unchanged image takes
LEAST_SECONDS = 8


def read(name):
    return (tree.ROOT / name).read_text(encoding="utf-8")


def reasons():
    """Survivor's name: why it may live. In the file a name is followed by indented lines."""
    found, name = {}, None
    for line in REASONS.read_text(encoding="utf-8").splitlines():
        if line.startswith((" ", "\t")) and name:
            found[name] = f"{found[name]} {line.strip()}".strip()
        elif line and not line.startswith("#"):
            name = line.strip()
            found[name] = ""
    return found


class Results:
    """Outcomes so far for these very sources, so that a run can be interrupted and continued."""

    def __init__(self):
        digest = hashlib.sha256()
        for name in sorted(tree.sources()):
            if name.startswith(("libcoop/", "tests/metal/")):
                digest.update(name.encode() + b"\0" + (tree.ROOT / name).read_bytes())
        digest.update("\n".join(BOOTS).encode())
        PLACE.mkdir(parents=True, exist_ok=True)
        self.path = PLACE / f"{digest.hexdigest()[:16]}.results"
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        self.known = dict(line.split("\t", 1) for line in lines)
        self.lock = threading.Lock()

    def note(self, mutant, outcome):
        with self.lock:
            self.known[mutant.name] = outcome
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{mutant.name}\t{outcome}\n")


def measure(scratch):
    """Boots and their limits in seconds; the unchanged image must pass all."""
    limits = []
    for words in BOOTS:
        began = time.monotonic()
        if scratch.boot(words.split(), 600):
            sys.exit(f"mutants: the unchanged image fails 'run.py {words}': nothing can be learned from mutants; see {scratch.build}/test-logs")
        taken = time.monotonic() - began
        print(f"unchanged: {taken:6.1f} s  {words}", flush=True)
        limits.append((words, max(LEAST_SECONDS, int(PATIENCE * taken))))
    return limits


def judge(scratch, mutant, limits):
    try:
        if not scratch.apply(mutant):
            return "does not compile"
        for words, seconds in limits:
            # A failure counts if it comes twice: a busy machine alone may bring one.
            if scratch.boot(words.split(), seconds):
                complaint = scratch.boot(words.split(), 2 * seconds)
                if complaint:
                    return f"killed: {complaint}"
        return "survived"
    finally:
        scratch.restore(mutant)


def work(number, jobs, limits, results, until):
    scratch = tree.Tree(PLACE / f"tree{number}")
    while time.monotonic() < until:
        try:
            left, mutant = jobs.get_nowait()
        except queue.Empty:
            return
        began = time.monotonic()
        outcome = judge(scratch, mutant, limits)
        results.note(mutant, outcome)
        print(f"{left:4} {time.monotonic() - began:6.1f} s  {mutant.name}: {outcome}", flush=True)


def report(mutants, known, complete):
    """Prints the sum; returns the exit status. complete: whether these are all mutants."""
    explained = reasons()
    outcomes = {mutant.name: known.get(mutant.name) for mutant in mutants}
    killed = [name for name, outcome in outcomes.items() if outcome and outcome.startswith("killed")]
    survived = [name for name, outcome in outcomes.items() if outcome == "survived"]
    broken = [name for name, outcome in outcomes.items() if outcome == "does not compile"]
    open_ones = [name for name, outcome in outcomes.items() if not outcome]
    status = 0
    for name in broken:
        print(f"does not compile: {name}")
    for name in survived:
        print(f"survived: {name}: {explained.get(name) or 'NO REASON in tests/mutants/survivors.txt'}")
    for name in explained:
        if name in killed or (complete and name not in outcomes):
            print(f"tests/mutants/survivors.txt explains what is killed, or no mutant: {name}")
            status = 1
    if any(not explained.get(name) for name in survived) or broken:
        status = 1
    if open_ones:
        print(f"not run: {len(open_ones)}; the same command continues")
        status = 1
    print(f"mutants: {len(killed)} killed of {len(killed) + len(survived)}, {len(survived)} survived")
    return status


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-k", "--keyword", default="")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=1 << 30)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    until = time.monotonic() + options.seconds
    everything = [*by_hand.by_hand(read), *derive.derive(read)]
    mutants = [mutant for mutant in everything if re.search(options.keyword, mutant.name)]
    if options.list:
        print("\n".join(mutant.name for mutant in mutants))
        return 0
    results = Results()
    wanted = [mutant for mutant in mutants if options.again or mutant.name not in results.known]
    if wanted and not options.report:
        limits = measure(tree.Tree(PLACE / "tree0"))
        jobs = queue.Queue()
        for index, mutant in enumerate(wanted):
            jobs.put((len(wanted) - index, mutant))
        threads = [threading.Thread(target=work, args=(number, jobs, limits, results, until)) for number in range(options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return report(mutants, results.known, len(mutants) == len(everything))


if __name__ == "__main__":
    sys.exit(main())
