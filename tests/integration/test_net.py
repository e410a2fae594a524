# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1500
"""A guest's network: an address by DHCP, names, a transfer out through the host, a connection in by a forward; a guest that
ends in the middle of a transfer leaves nothing in the host; and a guest without any is well.

All of it stays in the emulated host, which has its loopback and nothing else.
"""

import time
import unittest

from harness import Host, coop
from harness.memory import NOISE_KIB, free_kib

MEBIBYTES = 8
PORT, ENDLESS, FORWARDED = 8000, 9000, 2222
# On the host's loopback: files, bytes without end, and a name server to which every name is 10.0.2.2.
SERVERS = f"""cd /tmp && head -c {MEBIBYTES}M /dev/urandom >file
python3 -m http.server --bind 127.0.0.1 {PORT} >/dev/null 2>&1 &
socat TCP-LISTEN:{ENDLESS},bind=127.0.0.1,fork,reuseaddr OPEN:/dev/zero,rdonly >/dev/null 2>&1 &
echo nameserver 127.0.0.1 >/etc/resolv.conf
exec python3 -c '
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    query, peer = server.recvfrom(512)
    end = query.index(0, 12) + 5
    is_a = query[end - 4:end - 2] == bytes((0, 1))
    answer = bytes((0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 2, 2)) if is_a else b""
    server.sendto(query[:2] + bytes((0x81, 0x80, 0, 1, 0, is_a, 0, 0, 0, 0)) + query[12:end] + answer, peer)
'"""
# What a guest's network may leave behind: sockets of its ports.
SOCKETS = f"ss -Htan '( sport = :{FORWARDED} or dport = :{ENDLESS} )' | grep -v TIME-WAIT; true"


class Net(unittest.TestCase):
    def wait(self, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not what() and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertTrue(what())

    def check_address(self, console):
        self.wait(lambda: "10.0.2.15/24" in console.run("ip -4 -o address")[1])
        self.assertRegex(console.run("ip route")[1], r"default via 10\.0\.2\.2 ")

    def check_transfer(self, host, guest, console):
        digest = host.check_run("sha256sum </tmp/file")
        since = time.monotonic()
        self.assertEqual(console.run(f"curl -sS http://server.example:{PORT}/file | sha256sum", timeout=600), (0, digest))
        seconds = time.monotonic() - since
        counters, = guest.stats()["interfaces"]
        print(f"{MEBIBYTES} MiB from the host in {seconds:.1f} s: {counters}", flush=True)
        self.assertGreater(counters["rx_bytes"], MEBIBYTES << 20)
        self.assertGreater(counters["tx_frames"], 100)
        self.assertLess(counters["rx_dropped"], counters["rx_frames"] / 10)
        self.assertEqual(counters["tx_dropped"], 0)
        self.assertEqual(console.run(f"curl -s http://10.0.2.2:{PORT + 1}/")[0], 7)  # refused, not forgotten

    def check_forward(self, host, console):
        console.run("systemd-socket-activate --listen=22 --accept --inetd cat >/dev/null 2>&1 &")
        self.wait(lambda: "LISTEN" in console.run("cat /proc/net/tcp6 /proc/net/tcp | grep -q ':0016 ' && echo LISTEN")[1])
        echo = f"head -c 1M /tmp/file | socat -t 60 - TCP:127.0.0.1:{FORWARDED} | sha256sum"
        self.assertEqual(host.check_run(echo, timeout=300), host.check_run("head -c 1M /tmp/file | sha256sum"))

    def begin_transfer(self, host, guest):
        """One that would never end."""
        console = guest.login()
        self.check_address(console)
        console.send(f"bash -c 'cat </dev/tcp/10.0.2.2/{ENDLESS}' >/dev/null\n")
        before = guest.stats()["interfaces"][0]["rx_bytes"]
        self.wait(lambda: guest.stats()["interfaces"][0]["rx_bytes"] > before + (1 << 20))
        self.assertIn("ESTAB", host.check_run(SOCKETS))

    def check_nothing_left(self, host, guest):
        guest.wait_for_end(120)
        self.wait(lambda: host.check_run(SOCKETS) == "")
        self.assertEqual(host.run("pgrep -c coopctl").out, "0\n")

    def test_net(self):
        with Host(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True) as host:
            host.start(SERVERS)
            self.wait(lambda: host.check_run("ss -Hltu | wc -l") == "3\n")
            coop.load_module(host)
            guest = coop.Guest(host, memory="256M", options=("--net", f"user,forward=tcp:127.0.0.1:{FORWARDED}-22"))
            guest.start()
            console = guest.login()
            self.check_address(console)
            self.check_transfer(host, guest, console)
            self.check_forward(host, console)
            coop.check_inside(self, console)
            guest.stop()
            self.assertEqual(guest.end_reason(), "poweroff")
            self.check_nothing_left(host, guest)

            before = free_kib(host)
            for end in (guest.kill, guest.kill_process):
                guest.start()
                self.begin_transfer(host, guest)
                end()
                self.check_nothing_left(host, guest)

            without = coop.Guest(host, memory="256M", options=("--net", "none"))
            without.start()
            console = without.login()
            self.assertEqual(console.run("ls -d /sys/class/net/eth*")[0], 2)
            coop.check_inside(self, console)
            without.stop()
            coop.unload_module(host)
            self.assertLess(before - free_kib(host), NOISE_KIB)


if __name__ == "__main__":
    unittest.main(verbosity=2)
