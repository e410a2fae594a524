# SPDX-License-Identifier: GPL-2.0-only
"""Each header compiles alone: seams (.h) as C17 and as C++20, .hpp as C++20. The core's compile freestanding.

Not those of hosts/ (they need their own kernel's build system, which compiles them) nor of guest-kernel/. Those for NT are
compiled by mingw-w64.
Usage: check_headers.py CC CXX
"""

import concurrent.futures
import os
import subprocess
import sys

from sources import ROOT, c_family, finish

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
INCLUDES = ["-Ilibcoop/include", "-Ilibcoop", "-Ilibcoop/arch/x86_64", "-Itools/coopctl", "-Itests/unit", "-Itests/contract", "-I."]
NT_CXX = "x86_64-w64-mingw32-g++-posix"
NT_FLAGS = ["-D_WIN32_WINNT=0x0A00", "-DUNICODE", "-DWIN32_LEAN_AND_MEAN", "-DNOMINMAX", "-DBOOST_ERROR_CODE_HEADER_ONLY",
            "-DFMT_HEADER_ONLY"]
HOSTED = ("libcoop/devices", "libcoop/boot", "tools", "tests")


def for_nt(path):
    return path.stem.endswith("_windows") or "windows" in path.parts


def nt_sysroot():
    done = subprocess.run([ROOT / "tools/nt/sysroot"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def compilations(path, cc, cxx, sysroot):
    if for_nt(path):
        yield [NT_CXX, "-std=c++20", "-xc++", *WARNINGS, *INCLUDES, *NT_FLAGS, "-isystem", f"{sysroot}/include",
               "-Wno-pragma-once-outside-header"]
        return
    freestanding = [] if any(path.is_relative_to(folder) for folder in HOSTED) else ["-ffreestanding"]
    flags = [*WARNINGS, *INCLUDES, *freestanding]
    if path.suffix == ".h":
        yield [cc, "-std=c17", "-xc", *flags]
    yield [cxx, "-std=c++20", "-xc++", "-Wno-pragma-once-outside-header", *flags]


def problem(path, command):
    """Compiles a file that includes nothing but the header, twice: include guards are part of it."""
    source = f'#include "{path}"\n#include "{path}"\n'
    done = subprocess.run([*command, "-"], input=source, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        return f"{path}: does not compile alone ({command[1]}): {errors[0] if errors else done.stderr}"
    return None


def main():
    cc, cxx = sys.argv[1:3]
    sysroot = nt_sysroot()
    headers = [path for path in c_family(".h", ".hpp") if path.parts[0] != "hosts"]
    work = [(path, command) for path in headers for command in compilations(path, cc, cxx, sysroot)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [text for text in pool.map(lambda pair: problem(*pair), work) if text]
    finish(problems, len(headers), "headers")


if __name__ == "__main__":
    main()
