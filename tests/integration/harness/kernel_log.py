# SPDX-License-Identifier: GPL-2.0-only
"""What a healthy host kernel does not say."""

import re

TROUBLE = re.compile(
    r"WARNING:|\bBUG\b|\bOops\b|Call Trace|Kernel panic|general protection fault|unable to handle|"
    r"detected stalls?|self-detected|RCU.* stall|[Ll]ockup|LOCKUP|[Ss]purious|nobody cared|blocked for more than|"
    r"[Bb]ad page|double fault|scheduling while atomic|UBSAN|KASAN|unexpected IRQ trap|No irq handler|hogged CPU|"
    r"Uhhuh|NMI received for unknown reason|clocksource: .*unstable")

# Said at every boot under QEMU, with or without us.
HARMLESS = re.compile(r"printk: debug: ignoring loglevel|Spurious Kernel Mitigation|RETBleed: WARNING: Spectre v2|"
                      r"unprivileged eBPF is enabled")

# What a kernel says of an NMI that nobody there asked for: a test's.
UNKNOWN_NMI = (r"Uhhuh\. NMI received for unknown reason", r"Dazed and confused", r"strange power saving mode")


def trouble(text, allowed=()):
    """The lines of a kernel log that tell of trouble, less those that match one of the `allowed` expressions."""
    expected = [re.compile(expression) for expression in allowed]
    return [line for line in text.splitlines()
            if TROUBLE.search(line) and not HARMLESS.search(line)
            and not any(expression.search(line) for expression in expected)]
