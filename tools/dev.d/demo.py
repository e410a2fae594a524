# SPDX-License-Identifier: GPL-2.0-only
"""The demo itself: host, module, guest, and then the guest's console or one command in it.

Usage: demo.py SERIES MEMORY [CMD…]
"""

import fcntl
import os
import pathlib
import select
import shlex
import signal
import struct
import sys
import termios
import time
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "integration"))
from harness import Host, HostFailure, coop  # noqa: E402  pylint: disable=wrong-import-position

COMMAND_SECONDS = 24 * 3600
began = time.monotonic()


def say(text):
    print(f"\033[1m==>\033[0m [{time.monotonic() - began:5.1f} s] {text}", file=sys.stderr, flush=True)


def window():
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
    return {"rows": rows or 25, "columns": columns or 80}


def attach(host, command):
    """Joins the user's terminal to a command in the host until the command ends; returns its status."""
    def show(_, data):
        os.write(1, data)

    saved = termios.tcgetattr(0)
    job = host.start(f"TERM={shlex.quote(os.environ.get('TERM', 'linux'))}; export TERM; exec {command}",
                     tty=True, sink=show, **window())
    previous = signal.signal(signal.SIGWINCH, lambda *_: job.resize(**window()))
    try:
        tty.setraw(0)
        while job.status is None and not host.agent.lost:
            if select.select([0], [], [], 0.1)[0]:
                data = os.read(0, 4096)
                if not data:
                    break
                job.write(data)
        return job.wait(10).status
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
        signal.signal(signal.SIGWINCH, previous)


def one_command(guest, words):
    """Runs the user's command in the guest as root; its output goes to our stdout as it comes."""
    console = guest.console()
    say("guest: boots to its login prompt")
    console.login()
    say("guest: logged in as root")

    def show(text):
        sys.stdout.write(text)
        sys.stdout.flush()

    return console.run(words[0] if len(words) == 1 else shlex.join(words), COMMAND_SECONDS, show)[0]


def interactive(host, guest):
    say("guest: its console; log in as root, no password. Ctrl-] leaves it for a shell on the host")
    attach(host, guest.console_command())
    if guest.running():
        print("\r\nThis is the host. The guest runs on: coopctl list, status, stats, console. 'exit' ends the demo.",
              flush=True)
        attach(host, "bash")  # not a login shell: that forgets where coopctl is
    return 0


def main():
    series, memory, *words = sys.argv[1:]
    say(f"host: Linux {series} boots in QEMU (emulated, 2 CPUs)")
    with Host(series, smp=2, memory_mib=3072, guest_kernel=True) as host:
        say(f"host: {host.check_run('uname -srv').strip()}")
        absent = coop.missing(host)
        if absent:
            print(f"demo: not built: {', '.join(absent)}", file=sys.stderr)
            return 1
        coop.load_module(host)
        say("host: module loaded")
        guest = coop.Guest(host, memory=memory)
        guest.start()
        say(f"guest: started with {memory}")
        status = one_command(guest, words) if words else interactive(host, guest)
        if guest.running():
            say("guest: shuts down")
            guest.stop()
        coop.unload_module(host)
        say("host: module unloaded")
        return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (HostFailure, RuntimeError, AssertionError, TimeoutError) as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
