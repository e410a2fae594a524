# SPDX-License-Identifier: GPL-2.0-only
"""Command agent of the QEMU host: runs shell commands for the test harness over a virtio-serial port.

One JSON object per line, each way. Jobs are numbered by the harness and run side by side.

    harness -> agent   {"id": 1, "op": "run", "command": "uname -a", "tty": false, "rows": 25, "columns": 80}
                       {"id": 1, "op": "input", "data": BASE64}   {"id": 1, "op": "eof"}
                       {"id": 1, "op": "signal", "signal": 15}    {"id": 1, "op": "resize", "rows": …, "columns": …}
    agent -> harness   {"op": "ready"}
                       {"id": 1, "op": "output", "stream": 1, "data": BASE64}   (2 is stderr; a tty has only 1)
                       {"id": 1, "op": "exit", "status": 0}                     (128+n: ended by signal n)
"""

import base64
import fcntl
import glob
import json
import os
import pty
import selectors
import signal
import struct
import subprocess
import termios

PORT_NAME = "coop-agent"
CHUNK = 65536
RETRY_SECONDS = 0.05


def open_port():
    """Opens the virtio-serial port by its name; there is no udev to make a link for it."""
    for path in glob.glob("/sys/class/virtio-ports/*/name"):
        with open(path, encoding="ascii") as file:
            if file.read().strip() == PORT_NAME:
                return os.open("/dev/" + path.split("/")[-2], os.O_RDWR | os.O_CLOEXEC)
    raise SystemExit(f"agent: no virtio-serial port named {PORT_NAME}")


def window_size(message):
    return struct.pack("HHHH", message.get("rows", 25), message.get("columns", 80), 0, 0)


class Job:
    """One command: its process group, where its input goes, where its output comes from."""

    def __init__(self, message):
        self.id = message["id"]
        self.status = None
        arguments = ["/bin/sh", "-c", message["command"]]
        if message.get("tty"):
            master, slave = pty.openpty()
            fcntl.ioctl(slave, termios.TIOCSWINSZ, window_size(message))
            self.process = subprocess.Popen(
                arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0))
            os.close(slave)
            self.input, self.outputs = master, {master: 1}
        else:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True)
            self.input = self.process.stdin.fileno()
            self.outputs = {self.process.stdout.fileno(): 1, self.process.stderr.fileno(): 2}
        self.tty = message.get("tty", False)
        self.backlog = b""
        self.ending = False
        for descriptor in (self.input, *self.outputs):
            os.set_blocking(descriptor, False)

    def write(self, data):
        """Gives the command what it will take now; the rest waits for the next call (of write(b""))."""
        self.backlog += data
        try:
            while self.backlog:
                self.backlog = self.backlog[os.write(self.input, self.backlog):]
        except BlockingIOError:
            return
        except OSError:
            self.backlog = b""  # the command has stopped reading; its exit status tells the rest
        if self.ending:
            self.process.stdin.close()
            self.ending = False

    def end_of_input(self):
        self.ending = not self.tty
        self.write(b"\x04" if self.tty else b"")

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def resize(self, message):
        if self.tty:
            fcntl.ioctl(self.input, termios.TIOCSWINSZ, window_size(message))

    def close(self):
        if self.tty:
            os.close(self.input)
        else:
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                try:
                    stream.close()
                except BrokenPipeError:
                    pass


class Agent:
    def __init__(self):
        self.port = open_port()
        self.jobs = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.port, selectors.EVENT_READ, self.read_port)
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(wake_read, selectors.EVENT_READ, lambda _: os.read(wake_read, CHUNK))
        self.pending = b""

    def send(self, **message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.port, data):]

    def read_port(self, _):
        data = os.read(self.port, CHUNK)
        if not data:
            raise SystemExit("agent: the harness is gone")
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            self.handle(json.loads(line))

    def handle(self, message):
        if message["op"] == "run":
            job = self.jobs[message["id"]] = Job(message)
            for descriptor in job.outputs:
                self.selector.register(descriptor, selectors.EVENT_READ, self.read_output(job))
            return
        job = self.jobs.get(message["id"])
        if job is None:
            return  # it ended meanwhile
        if message["op"] == "input":
            job.write(base64.b64decode(message["data"]))
        elif message["op"] == "eof":
            job.end_of_input()
        elif message["op"] == "signal":
            job.signal(message["signal"])
        elif message["op"] == "resize":
            job.resize(message)

    def read_output(self, job):
        def read(descriptor):
            try:
                data = os.read(descriptor, CHUNK)
            except BlockingIOError:
                return False
            except OSError:
                data = b""  # a terminal whose last user is gone
            if data:
                self.send(id=job.id, op="output", stream=job.outputs[descriptor],
                          data=base64.b64encode(data).decode())
                return True
            self.selector.unregister(descriptor)
            del job.outputs[descriptor]
            return False
        return read

    def reap(self):
        """Reports ended commands. A daemon that inherited their pipes does not hold the report back."""
        for job in list(self.jobs.values()):
            status = job.process.poll()
            if status is None:
                continue
            for descriptor in list(job.outputs):
                while self.read_output(job)(descriptor):
                    pass
                if descriptor in job.outputs:
                    self.selector.unregister(descriptor)
            job.close()
            del self.jobs[job.id]
            self.send(id=job.id, op="exit", status=status if status >= 0 else 128 - status)

    def run(self):
        self.send(op="ready")
        while True:
            waiting = [job for job in self.jobs.values() if job.backlog]
            for job in waiting:
                job.write(b"")
            for key, _ in self.selector.select(RETRY_SECONDS if waiting else None):
                if key.fd in self.selector.get_map():
                    key.data(key.fd)
            self.reap()


if __name__ == "__main__":
    Agent().run()
