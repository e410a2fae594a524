# SPDX-License-Identifier: GPL-2.0-only
"""Boots real Linux kernels as hosts under QEMU's emulator and runs commands in them; standard library only."""

from . import coop, load, tiny
from .artifacts import Artifacts
from .console import Console
from .host import Host, HostFailure
from .jobs import Result
from .machine import Machine
from .native import Native

__all__ = ["Artifacts", "Console", "Host", "HostFailure", "Machine", "Native", "Result", "coop", "load", "tiny"]
