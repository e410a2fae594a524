# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 100000
# Labels: long
"""An hour (COOP_SOAK_MINUTES) of stress-ng, disk and network load in two guests and their host, with NMIs at random moments: all
results right, every guest alive to its end, the host's log clean, no NMI lost, no frame lost."""

import os
import random
import time
import unittest

from harness import Host, coop, load
from harness.kernel_log import UNKNOWN_NMI

MINUTES = float(os.environ.get("COOP_SOAK_MINUTES", "60"))
SEED = int(os.environ.get("COOP_SOAK_SEED", str(random.randrange(1 << 32))))
MEAN_NMI_SECONDS = 0.1
# Two that come at once are one, on any machine: so they keep apart, and few may be missing.
LEAST_NMI_SECONDS = 0.05
LEAST_HANDLED = 0.95
STRESS_IN_GUEST = "--cpu 1 --vecmath 1 --vm 1 --vm-bytes 32m --fork 1 --switch 1 --timer 1 --hdd 1 --hdd-bytes 16m"
REPORT_SECONDS = 300


def in_guest(seconds):
    """load.in_guest with stress-ng and the network beside it. Its output: rounds, MB by the network."""
    return (f"stress-ng {STRESS_IN_GUEST} --verify --temp-path /root --timeout {seconds} >/run/stress 2>&1 &\nstress=$!\n"
            f"({load.network_in_guest(seconds)}) >/run/network 2>&1 &\nnetwork=$!\n"
            f"{load.in_guest(seconds)}\nwait $stress || {{ cat /run/stress; exit 1; }}\n"
            f"wait $network || {{ cat /run/network; exit 1; }}\ncat /run/network\n")


def handled(host):
    """NMIs that the host's kernel has counted on its two CPUs."""
    return int(host.check_run("awk '/NMI:/{print $2 + $3}' /proc/interrupts"))


class Soak(unittest.TestCase):
    def totals(self, guests):
        """Switches and NMIs of all guests; fails if one is gone."""
        stats = [guest.stats() for guest in guests]
        return [sum(each[what] for each in stats) for what in ("switches", "nmis_forwarded")]

    def send_nmis(self, host, guests, seconds):
        """Returns how many."""
        chance = random.Random(SEED)
        began = reported = time.monotonic()
        sent = 0
        while time.monotonic() - began < seconds:
            time.sleep(LEAST_NMI_SECONDS + chance.expovariate(1 / (MEAN_NMI_SECONDS - LEAST_NMI_SECONDS)))
            host.hmp("nmi")
            sent += 1
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                switches, nmis = self.totals(guests)
                print(f"{reported - began:.0f} s: {switches} switches, {nmis} of {sent} NMIs in guests or the passage", flush=True)
        return sent

    def check_ends(self, host, guests, consoles):
        for guest, console in zip(guests, consoles):
            coop.check_inside(self, console)
            guest.stop()
            self.assertEqual(guest.end_reason(), "poweroff")
            host.check_run(f"e2fsck -fn /scratch/{guest.name}.ext4", timeout=300)

    def test_hours_of_everything(self):
        print(f"seed {SEED}", flush=True)
        seconds = int(MINUTES * 60)
        with Host(kernel="6.12", smp=2, memory_mib=3072, guest_kernel=True, allow_log=UNKNOWN_NMI) as host:
            coop.load_module(host)
            guests = [coop.Guest(host, name, image=f"/scratch/{name}.ext4") for name in ("guest", "guest2")]
            for guest in guests:
                guest.start()
            consoles = [guest.login() for guest in guests]
            busy = [*load.begin_in_host(host), load.begin_server_in_host(host)]
            before = handled(host)
            began = time.monotonic()
            jobs = [console.begin(in_guest(seconds)) for console in consoles]
            sent = self.send_nmis(host, guests, seconds)
            results = [console.finish(job, timeout=seconds + 900) for console, job in zip(consoles, jobs)]
            lasted = int(time.monotonic() - began)
            switches, nmis = self.totals(guests)
            taken = handled(host) - before
            load.end_in_host(self, busy)
            for status, output in results:
                self.assertEqual(status, 0, output)
                self.assertTrue(all(int(count) > 0 for count in output.split()), output)
            self.check_ends(host, guests, consoles)
            coop.unload_module(host)
        print(f"soak: right after {lasted} s: {switches} switches, {sent} NMIs sent, {taken} handled, {nmis} of them from guests "
              f"or the passage; rounds of the guests' load, MB by the network: {', '.join(' '.join(output.split()) for _, output in results)}")
        self.assertGreater(nmis, sent // 20)
        self.assertGreaterEqual(taken, nmis)
        self.assertGreaterEqual(taken, LEAST_HANDLED * sent)
        megabytes = sum(int(output.split()[1]) for _, output in results)
        print(f"figures: soak_seconds {lasted} soak_switches {switches} soak_nmis {sent} soak_nmis_handled {taken} soak_net_mb {megabytes}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
