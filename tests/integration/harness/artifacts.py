# SPDX-License-Identifier: GPL-2.0-only
"""Where the things a host needs are: built products, cached kernels and images. Each is made when first asked for."""

import functools
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("COOP_BUILD_DIR", ROOT / "build" / "dev")).resolve()
LOGS = pathlib.Path(os.environ.get("COOP_TEST_LOGS", BUILD / "test-logs"))


@functools.lru_cache
def script(*arguments):
    """Runs one of our image scripts; its last line names the directory it made or found in the cache."""
    path, *rest = arguments
    done = subprocess.run([ROOT / path, *rest], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"{path} {' '.join(rest)} failed with status {done.returncode}; see above")
    return pathlib.Path(done.stdout.splitlines()[-1])


class Artifacts:
    """Files for a host of one kernel series ("6.1" or "6.12")."""

    def __init__(self, series):
        self.series = series

    @property
    def kernel(self):
        return script("tools/images/host-kernel", self.series) / "vmlinuz"

    @property
    def release(self):
        return (self.kernel.parent / "release").read_text(encoding="ascii").strip()

    @property
    def modules(self):
        return self.kernel.parent / "lib" / "modules"

    @property
    def initramfs(self):
        return script("tools/images/host-initramfs", self.series) / "initramfs"

    @property
    def root_image(self):
        return script("tools/images/host-root") / "host.ext4"

    @property
    def scratch_image(self):
        return script("tools/images/scratch") / "scratch.ext4"

    @property
    def guest_image(self):
        return script("tools/images/guest-root") / "guest.ext4"

    @property
    def guest_kernel(self):
        """Directory with vmlinux, bzImage and config of the guest kernel, or None while there is no such script."""
        return script("guest-kernel/build") if (ROOT / "guest-kernel" / "build").exists() else None
