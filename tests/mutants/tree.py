# SPDX-License-Identifier: GPL-2.0-only
"""A scratch copy of the sources, in which one mutant after the other is compiled."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a mutant leaves unused is no reason to refuse it.
LATE = "no end in time"
STRICT = {"cmake/CoopCompile.cmake": " -Werror", "libcoop/CMakeLists.txt": " -Werror"}


def sources():
    """Tracked and new files, as they are now."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "-c", "-o", "--exclude-standard"], capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


class Tree:
    """Context: takes no lock; each thread has a tree of its own. Raises CalledProcessError if the unchanged sources do not compile."""

    def __init__(self, place):
        self.place = place
        self.build = place / "build/dev"
        wanted = set(sources())
        for name in wanted:
            self.write(name, (ROOT / name).read_bytes())
        for old in place.rglob("*"):
            inside = str(old.relative_to(place))
            if old.is_file() and not inside.startswith("build/") and inside not in wanted:
                old.unlink()
        for name, word in STRICT.items():
            text = (ROOT / name).read_text(encoding="utf-8")
            if word not in text:
                raise LookupError(f"{name} has no '{word}': mend tests/mutants/tree.py")
            self.write(name, text.replace(word, "").encode())
        subprocess.run(["cmake", "--preset", "dev"], cwd=place, capture_output=True, text=True, check=True)
        if not self.compile():
            raise RuntimeError(f"the unchanged sources do not compile: see {self.place}/compile.log")

    def write(self, name, content):
        """Leaves a file with that content alone, so that it is not compiled again."""
        path = self.place / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            shutil.copymode(ROOT / name, path)

    def compile(self, target="coop_metal"):
        done = subprocess.run(["cmake", "--build", "build/dev", "--target", target, "-j", "1"], cwd=self.place, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        (self.place / "compile.log").write_text(done.stdout, encoding="utf-8")
        return done.returncode == 0

    def apply(self, mutant):
        """Whether it compiles."""
        self.write(mutant.file, mutant.apply((ROOT / mutant.file).read_text(encoding="utf-8")).encode())
        return self.compile()

    def restore(self, mutant):
        self.write(mutant.file, (ROOT / mutant.file).read_bytes())

    def boot(self, words, seconds):
        """What run.py, or the script that the first word names, complains of when it boots the image with these words; empty if it
        passes. Begins with LATE if it took as long as it may."""
        script, *words = words if words[0].endswith(".py") else ["run.py", *words]
        return self.complaint(["python3", "-B", self.place / "tests/metal" / script, *words], seconds)

    def unit(self, seconds):
        """The same of the core's unit tests, which are compiled for that."""
        if not self.compile("core_test"):
            return "the unit tests do not compile"
        return self.complaint([self.build / "tests/unit/core/core_test"], seconds)

    def complaint(self, command, seconds):
        folder = self.place / "logs"
        folder.mkdir(exist_ok=True)
        began = time.monotonic()
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
                              env={**os.environ, "COOP_BUILD_DIR": str(self.build), "COOP_METAL_SECONDS": str(seconds)}) as process:
            try:
                # Each emulator that it starts has that time; the script ends it itself, if it is well.
                _, errors = process.communicate(timeout=4 * seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                _, errors = process.communicate()
        if process.returncode == 0:
            return ""
        late = f"{LATE}: " if time.monotonic() - began >= seconds else ""
        return late + (" ".join(errors.split())[-160:] or "no reason given")
