# SPDX-License-Identifier: GPL-2.0-only
"""Includes go down the layers only.

* The core (libcoop but for devices/ and boot/) is freestanding: the seams, itself, and the C++ headers that need no
  run-time library. libcoop/devices and libcoop/boot may use the hosted standard library, but of the operating system
  only what their *_posix and *_windows files include.
* The seams in libcoop/include are C: no C++ header at all.
* Hosted code waits for threads by mutexes and condition variables alone: without a futex, as on NT, GCC 12's semaphores, stop callbacks
  and waiting on atomics lose notifications, and what waits with them hangs now and then.
* Nothing outside hosts/ includes anything from hosts/; no shim includes the core's inside.
"""

import re

from sources import ROOT, c_family, finish

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# [compliance] in the C++20 standard, less what GCC 12 implements with a run-time; their C forms for the seams.
FREESTANDING_C = {"float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
                  "stdnoreturn.h"}
COMPILERS_OWN = {"cpuid.h"}
FREESTANDING = FREESTANDING_C | COMPILERS_OWN | {
    "algorithm", "array", "atomic", "bit", "cfloat", "climits", "compare", "concepts", "coroutine", "cstdarg",
    "cstddef", "cstdint", "functional", "initializer_list", "iterator", "limits", "memory", "new", "numeric",
    "optional", "ranges", "ratio", "span", "source_location", "string_view", "tuple", "type_traits", "utility",
    "variant", "version"}

LOSES_NOTIFICATIONS = re.compile(r"\bstd::(?:counting_semaphore|binary_semaphore|latch|barrier|condition_variable_any|stop_callback)\b")

# The C and POSIX headers that mark a file as one for a single operating system; the C++ library is not among them.
STANDARD_C = {"assert.h", "ctype.h", "errno.h", "inttypes.h", "math.h", "string.h", "stdlib.h", "stdio.h", "time.h"}


def inside(path, *folders):
    return any(path.is_relative_to(folder) for folder in folders)


def complaint(path, quote, name):
    """Why `path` must not include `name`, or None."""
    if "hosts/" in name and not inside(path, "hosts"):
        return "nothing includes hosts/"
    if inside(path, "hosts"):
        return "a shim sees the core only through <coop/…>" if "libcoop/" in name or name.endswith(".hpp") else None
    if not inside(path, "libcoop"):
        return None
    if name.startswith("coop/"):
        return None
    if path.match("libcoop/include/coop/guest/*.h") and name == "linux/types.h":
        return None  # its branch for the guest kernel, whose fixed-width types these are
    if inside(path, "libcoop/include"):
        return None if quote == "<" and name in FREESTANDING_C else "a seam includes only <coop/…> and free-standing C"
    if quote == '"':
        return None if resolves(path, name) else "not a file of libcoop"
    if inside(path, "libcoop/devices", "libcoop/boot"):
        system = name.endswith(".h") and name not in FREESTANDING_C | STANDARD_C | THIRD_PARTY
        return "operating system header outside a *_posix or *_windows file" if system and not is_for_one_system(path) else None
    return None if name in FREESTANDING else "the core includes only <coop/…> and free-standing C++"


THIRD_PARTY = {"fmt/format.h", "fmt/core.h", "lzma.h", "zlib.h", "zstd.h"}


def is_for_one_system(path):
    return path.stem.endswith(("_posix", "_windows"))


def resolves(path, name):
    """A quoted include is found beside the file, or from libcoop/ or one of its architecture folders."""
    places = [path.parent, *(place.relative_to(ROOT) for place in (ROOT / "libcoop").glob("arch/*")), "libcoop"]
    return any((ROOT / place / name).is_file() and
               (ROOT / place / name).resolve().is_relative_to(ROOT / "libcoop") for place in places)


def main():
    files = c_family(".c", ".h", ".cpp", ".hpp", ".S")
    problems = []
    for path in files:
        text = (ROOT / path).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line)
            reason = match and complaint(path, *match.groups())
            if reason:
                problems.append(f"{path}:{number}: includes {match[2]}: {reason}")
            if LOSES_NOTIFICATIONS.search(line):
                problems.append(f"{path}:{number}: loses notifications on NT: use a mutex and a condition variable")
    finish(problems, len(files), "files for layering")


if __name__ == "__main__":
    main()
