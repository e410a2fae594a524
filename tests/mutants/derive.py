# SPDX-License-Identifier: GPL-2.0-only
"""Mutants of the world switch: one step dropped in each. They are derived from the sources, so a new step has its mutant at once."""

import collections
import dataclasses
import re

PASSAGE = "libcoop/arch/x86_64/passage.S"
RESIDENT = "libcoop/arch/x86_64/resident_state.cpp"
TABLE = "libcoop/arch/x86_64/switched_state.h"
# Functions whose statements are steps of the switch.
FUNCTIONS = {
    RESIDENT: ["save_msrs", "load_msrs", "save_debug", "load_debug", "ResidentState::load_guest", "ResidentState::load_host"],
    "libcoop/arch/x86_64/vector_state.cpp": ["VectorState::create", "VectorState::save", "VectorState::load"],
    "libcoop/arch/x86_64/world.cpp": ["load_host_segments", "read_data_segments", "World::create", "World::set_start", "World::load_guest",
                                      "World::load_host", "World::explain_exit", "World::inject", "fill_boot_idt"],
    "libcoop/monitor/vcpu.cpp": ["Vcpu::wake", "Vcpu::run_section", "Vcpu::prepare_events"],
}
# No effect that an emulator shows: landing pads, what follows a jump, barriers; and counters, which are no state.
SILENT = re.compile(r"endbr64|int3|SPECULATION_SAFE")
NO_STEP = re.compile(r"stats|COOP_ASSERT|return")
DECLARATION = re.compile(r"(return|case|break|continue|switch|for|while|else|using|static_assert)\b|"
                         r"(const(expr)?|auto|std::\w+|bool|void|unsigned|Next|Exit|PassageData|WorldRegisters|PageBlock|ResidentState)\b[\w:<>*&\s]* \w+( =|\{|;)")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """name: FILE WHERE: WHAT; edits the text of file from start to end. noticed_by: boots that must each notice by itself."""

    name: str
    file: str
    start: int
    end: int
    text: str
    noticed_by: tuple = ()

    def apply(self, source):
        return source[:self.start] + self.text + source[self.end:]


class Namer:
    """Names that outlive edits elsewhere: no line numbers, but a count where a step comes twice in one place."""

    def __init__(self):
        self.seen = collections.Counter()

    def __call__(self, file, where, what):
        name = f"{file.rsplit('/', 1)[-1]} {where}: {' '.join(what.split())}"
        self.seen[name] += 1
        return name if self.seen[name] == 1 else f"{name} #{self.seen[name]}"


def without_comments(source):
    """The same length, with blanks for comments."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda match: re.sub(r"[^\n]", " ", match[0]), source, flags=re.S)


def of_passage(source):
    """Each instruction from the doorbell to the gate targets."""
    begin, end = source.index("\ncoop_passage_start:"), source.index(".macro stubs")
    name, where = Namer(), ""
    for match in re.finditer(r"^([.\w]+:)?[ \t]*([^\n]*?)[ \t]*$", without_comments(source)[begin:end], re.M):
        label, what = match[1], match[2]
        if label and not label[0].isdigit():
            where = label[:-1]
        if what and what[0] not in ".#" and not SILENT.match(what):
            yield Mutant(name(PASSAGE, where, what), PASSAGE, begin + match.start(2), begin + match.end(2), "")


def of_function(file, source, function):
    """Each statement that ends by a semicolon on a line of its own, except declarations and jumps."""
    plain = without_comments(source)
    found = re.search(rf"^[^\n ][^\n]*\b{re.escape(function)}\(.*?\{{\n(.*?)^\}}", plain, re.M | re.S)
    if not found:
        raise LookupError(f"{file} has no function {function}: mend tests/mutants/derive.py")
    name = Namer()
    for match in re.finditer(r"(?<=[;{}:)])\s*\n\s+((?:(?!\n\s*\n)[^;{}]|\{[^;{}\n]*\})*;)[ \t]*(?=\n)", "{\n" + found[1]):
        # What an if guards is the step, not the if.
        guard = re.match(r"if [^\n]*\)\s*\n\s*", match[1])
        what = match[1][guard.end():] if guard else match[1]
        if DECLARATION.match(what) or NO_STEP.search(what) or what.startswith("if "):
            continue
        start = found.start(1) + match.end(1) - len(what) - len("{\n")
        yield Mutant(name(file, function.rsplit("::", 1)[-1], what), file, start, start + len(what), "{}")


def of_table(read):
    """The core leaves out a row; the tests still have it."""
    source, known = read(RESIDENT), "if (known.present())"
    start = source.index(known)
    rows = read(TABLE).split("COOP_PASSAGE_MSRS")[0]
    for row in re.findall(r"ROW\((\w+), 0x", rows):
        yield Mutant(f"switched_state.h row: {row}", RESIDENT, start, start + len(known), f"if (known.msr != Msr::{row} && known.present())")


def derive(read):
    """read: gives a file's text. In an order that brings the different places soon."""
    yield from of_table(read)
    yield from of_passage(read(PASSAGE))
    for file, functions in FUNCTIONS.items():
        for function in functions:
            yield from of_function(file, read(file), function)
