# SPDX-License-Identifier: GPL-2.0-only
"""Boots real Linux kernels as hosts under QEMU's emulator and runs commands in them; standard library only."""

from .artifacts import Artifacts
from .host import Host, HostFailure
from .jobs import Result

__all__ = ["Artifacts", "Host", "HostFailure", "Result"]
