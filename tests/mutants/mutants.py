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
# Words of tests/metal/run.py, or of another script there: the shortest first, each for what those before cannot notice.
BOOTS = [
    "one_cpu hello first_state events exceptions unloadable segments_gone state switches=100",
    "one_cpu notify signal unknown_doorbells host_interrupts nmi_in_guest side_by_side user_events self_interrupt killed stack_gone seed=5",
    "old hello first_state state switches=60",
    "qemu bad_tables debugging two_threads killed_from_afar evicted migration",
    "one_cpu state switches=1500 seed=7",
    "bochs_corei7_icelake_u state switches=300",
    "bochs tlb_global tlb_frames",
    "bochs_two tlb_migration",
    "icount nmi_sweep",
    "icount interrupt_sweep",
    "machine_check_coverage.py",
    "fatal.py the host's CR4",
    "qemu",
    "bochs",
]
# Files whose mutants the core's unit tests see too, in less time than a boot takes.
HOSTED = ["libcoop/monitor/vcpu.cpp"]
UNIT = "the core's unit tests"
# What an outcome depends on, beside the mutant.
SOURCES = ("libcoop/", "tests/metal/", "tests/contract/", "tests/unit/core/", "cmake/")
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
    """Outcomes so far for these very sources and mutants, so that a run can be interrupted and continued."""

    def __init__(self):
        digest = hashlib.sha256()
        for name in sorted(tree.sources()):
            if name.startswith(SOURCES) or name.endswith(("CMakeLists.txt", "CMakePresets.json")):
                digest.update(name.encode() + b"\0" + (tree.ROOT / name).read_bytes())
        digest.update("\n".join(BOOTS).encode())
        PLACE.mkdir(parents=True, exist_ok=True)
        self.path = PLACE / f"{digest.hexdigest()[:16]}.results"
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        self.known = dict(line.rsplit("\t", 1) for line in lines)
        self.lock = threading.Lock()

    @staticmethod
    def key(mutant):
        text = "\0".join([mutant.text, *mutant.noticed_by])
        return f"{mutant.name}\t{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def of(self, mutant):
        """None if there is none."""
        return self.known.get(self.key(mutant))

    def note(self, mutant, outcome):
        with self.lock:
            self.known[self.key(mutant)] = outcome
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{self.key(mutant)}\t{outcome}\n")


def measure(scratch, mutants):
    """{what may judge these mutants: its limit in seconds}; the unchanged image must pass all."""
    wanted = dict.fromkeys(words for mutant in mutants for words in mutant.noticed_by or BOOTS)
    if any(mutant.file in HOSTED for mutant in mutants):
        scratch.compile("core_test")
        wanted[UNIT] = None
    limits = {}
    for words in wanted:
        began = time.monotonic()
        if complaint := boot(scratch, words, 600):
            sys.exit(f"mutants: the unchanged image fails '{words}': nothing can be learned from mutants: {complaint}; see {scratch.build}/test-logs")
        taken = time.monotonic() - began
        print(f"unchanged: {taken:6.1f} s  {words}", flush=True)
        limits[words] = max(LEAST_SECONDS, int(PATIENCE * taken))
    return limits


def boot(scratch, words, seconds):
    return scratch.unit(seconds) if words == UNIT else scratch.boot(words.split(), seconds)


def noticed(scratch, words, seconds):
    """The complaint. A failure counts if it comes twice: a busy machine alone may bring one."""
    return boot(scratch, words, seconds) and boot(scratch, words, 2 * seconds)


def judge(scratch, mutant, limits):
    try:
        if not scratch.apply(mutant):
            return "does not compile"
        if mutant.noticed_by:
            blind = [words for words in mutant.noticed_by if not noticed(scratch, words, limits[words])]
            return f"survived {', '.join(blind)}" if blind else f"killed by each of {', '.join(mutant.noticed_by)}"
        for words in [*([UNIT] if mutant.file in HOSTED else []), *BOOTS]:
            if complaint := noticed(scratch, words, limits[words]):
                return f"killed by time: {words}" if complaint.startswith(tree.LATE) else f"killed: {complaint}"
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


def report(mutants, results, complete):
    """Prints the sum; returns the exit status. complete: whether these are all mutants."""
    explained = reasons()
    outcomes = {mutant.name: results.of(mutant) or "" for mutant in mutants}

    def those(beginning):
        return [name for name, outcome in outcomes.items() if outcome.startswith(beginning)]

    killed, late, survived, broken = those("killed"), those("killed by time"), those("survived"), those("does not compile")
    open_ones = [name for name, outcome in outcomes.items() if not outcome]
    status = 0
    for name in broken:
        print(f"does not compile: {name}")
    for name in late:
        print(f"{outcomes[name]}: {name}")
    for name in those("killed by each"):
        print(f"{outcomes[name]}: {name}")
    for name in survived:
        print(f"{outcomes[name]}: {name}: {explained.get(name) or 'NO REASON in tests/mutants/survivors.txt'}")
    for name in explained:
        if name in killed or (complete and name not in outcomes):
            print(f"tests/mutants/survivors.txt explains what is killed, or no mutant: {name}")
            status = 1
    if any(not explained.get(name) for name in survived) or broken:
        status = 1
    if open_ones:
        print(f"not run: {len(open_ones)}; the same command continues")
        status = 1
    print(f"mutants: {len(killed)} killed of {len(killed) + len(survived)}, {len(survived)} survived; {len(late)} of the killed by time alone")
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
    wanted = [mutant for mutant in mutants if options.again or not results.of(mutant)]
    if wanted and not options.report:
        limits = measure(tree.Tree(PLACE / "tree0"), wanted)
        jobs = queue.Queue()
        for index, mutant in enumerate(wanted):
            jobs.put((len(wanted) - index, mutant))
        threads = [threading.Thread(target=work, args=(number, jobs, limits, results, until)) for number in range(options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return report(mutants, results, len(mutants) == len(everything))


if __name__ == "__main__":
    sys.exit(main())
