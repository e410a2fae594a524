# SPDX-License-Identifier: GPL-2.0-only
"""Work that checks its own results, for a host and for guests: shell scripts."""

import shlex
import signal

# Computes, writes a file, reads it back from the disk, compares; the count of rounds is its output.
_IN_GUEST = """
dmesg -n 1  # the console is for our answers
end=$(($(date +%s) + SECONDS_TO_RUN)) rounds=0
head -c 4000000 /dev/urandom >/root/master; sum=$(sha256sum </root/master)
while [ $(date +%s) -lt $end ]; do
    [ "$(sha256sum </root/master)" = "$sum" ] || { echo "wrong checksum of memory"; exit 1; }
    cp /root/master /root/copy; sync; echo 1 >/proc/sys/vm/drop_caches
    [ "$(sha256sum </root/copy)" = "$sum" ] || { echo "wrong checksum from disk"; exit 1; }
    for i in 1 2 3 4 5 6 7 8; do ls / | sort | wc -l >/dev/null; done
    rounds=$((rounds + 1))
done
echo $rounds
"""
_COMPILE = """
mkdir -p /scratch/compile && cd /scratch/compile || exit 1
python3 -c 'for i in range(2000): print(f"int f{i}(int x) {{ return x * {i} + (x >> {i % 31}); }}")' >big.c
gcc -O2 -c big.c -o first.o || exit 1
while :; do gcc -O2 -c big.c -o next.o && cmp first.o next.o || { echo "the compiler's output differs"; exit 1; }; done
"""
PORT = 8000
# GET: bytes, at /sum their checksum; POST: the checksum of what came.
_SERVER = f"""
import hashlib, http.server, os
data = os.urandom(4000000)
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(hashlib.sha256(data).hexdigest().encode() if self.path == "/sum" else data)
    def do_POST(self):
        self.answer(hashlib.sha256(self.rfile.read(int(self.headers["Content-Length"]))).hexdigest().encode())
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", {PORT}), Handler).serve_forever()
"""
# Both ways, as long as the other loads; MB that went through are its output.
_NETWORK = f"""
end=$(($(date +%s) + SECONDS_TO_RUN)) mb=0 at=http://10.0.2.2:{PORT}
ask() {{ curl -sS --max-time 600 "$@"; }}
for i in $(seq 120); do ask $at/sum >/run/sum 2>/dev/null && break; sleep 1; done
head -c 1000000 /dev/urandom >/run/data; own=$(sha256sum </run/data | cut -c 1-64)
while [ $(date +%s) -lt $end ]; do
    got=$(ask $at/data | sha256sum | cut -c 1-64)
    [ "$got" = "$(cat /run/sum)" ] || {{ echo "wrong checksum from the network: $got"; exit 1; }}
    got=$(ask -H Expect: --data-binary @/run/data $at/)
    [ "$got" = "$own" ] || {{ echo "wrong checksum by the network: $got"; exit 1; }}
    mb=$((mb + 5))
done
echo $mb
"""
_STRESS = "exec stress-ng --temp-path /scratch --hdd 1 --hdd-bytes 16m --sock 1 --fork 1 --verify --timeout 0"


def begin_in_host(host):
    """Jobs without end."""
    return [host.start(command) for command in (_COMPILE, _STRESS)]


def begin_server_in_host(host):
    """The other end of network_in_guest; a job without end."""
    return host.start(f"exec python3 -c {shlex.quote(_SERVER)}")


def end_in_host(test, jobs):
    """Fails if a job has ended by itself: its results were wrong."""
    for job in jobs:
        test.assertIsNone(job.status, job.out + job.err)
        job.signal(signal.SIGKILL)
        job.wait(60)


def in_guest(seconds):
    return _IN_GUEST.replace("SECONDS_TO_RUN", str(int(seconds)))


def network_in_guest(seconds):
    return _NETWORK.replace("SECONDS_TO_RUN", str(int(seconds)))
