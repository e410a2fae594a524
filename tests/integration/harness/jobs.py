# SPDX-License-Identifier: GPL-2.0-only
"""The harness's end of the command agent (agent/agent.py describes the protocol)."""

import base64
import collections
import json
import signal
import threading

Result = collections.namedtuple("Result", "status out err")


class AgentLost(RuntimeError):
    """The machine or its agent is gone; nothing more can be run."""


class Job:
    """A command that runs in the host. Output is gathered, or handed to `sink(stream, bytes)` as it comes."""

    def __init__(self, agent, number, command, sink):
        self.agent, self.number, self.command, self.sink = agent, number, command, sink
        self.streams = {1: bytearray(), 2: bytearray()}
        self.status = None

    @property
    def out(self):
        return self.streams[1].decode(errors="replace")

    @property
    def err(self):
        return self.streams[2].decode(errors="replace")

    def wait(self, timeout):
        """Waits for the end; kills the command and raises TimeoutError if that takes more than `timeout` seconds."""
        if not self.agent.wait_for(lambda: self.status is not None, timeout):
            self.signal(signal.SIGKILL)
            raise TimeoutError(f"host: '{self.command}' still ran after {timeout} s; so far it wrote:\n"
                               f"{self.out[-2000:]}{self.err[-2000:]}")
        return Result(self.status, self.out, self.err)

    def wait_for_output(self, predicate, timeout):
        """Waits until `predicate(text of stdout)` is true; False when the time is over or the command ended."""
        self.agent.wait_for(lambda: predicate(self.out) or self.status is not None, timeout)
        return bool(predicate(self.out))

    def write(self, data):
        self.agent.send(id=self.number, op="input", data=base64.b64encode(data).decode())

    def end_of_input(self):
        self.agent.send(id=self.number, op="eof")

    def signal(self, number):
        self.agent.send(id=self.number, op="signal", signal=int(number))

    def resize(self, rows, columns):
        self.agent.send(id=self.number, op="resize", rows=rows, columns=columns)


class Agent:
    """Owns the socket to the virtio-serial port."""

    def __init__(self, connection):
        self.connection = connection
        self.ready = False
        self.lost = False
        self.jobs = {}
        self.changed = threading.Condition()
        self.sending = threading.Lock()
        threading.Thread(target=self._read, name="agent", daemon=True).start()

    def _read(self):
        try:
            for line in self.connection.makefile("rb"):
                if line.startswith(b"{"):  # else a boot loader's, where the agent has a serial port
                    self._handle(json.loads(line))
        except (OSError, ValueError):
            pass  # the machine stopped in the middle of a line
        with self.changed:
            self.lost = True
            self.changed.notify_all()

    def _handle(self, message):
        data = base64.b64decode(message.get("data", ""))
        with self.changed:
            if message["op"] == "ready":
                if self.ready:
                    self.lost = True  # a second one has started: the first died, and our jobs with it
                self.ready = True
            else:
                job = self.jobs[message["id"]]
                if message["op"] == "exit":
                    job.status = message["status"]
                elif not job.sink:
                    job.streams[message["stream"]] += data
            self.changed.notify_all()
        if message["op"] == "output" and job.sink:
            job.sink(message["stream"], data)

    def wait_for(self, condition, timeout):
        """Waits for `condition()`; False after `timeout` seconds, AgentLost when it can no longer come true."""
        with self.changed:
            self.changed.wait_for(lambda: condition() or self.lost, timeout)
            if condition():
                return True
            if self.lost:
                raise AgentLost("the host's command agent is gone")
            return False

    def send(self, **message):
        try:
            with self.sending:
                self.connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise AgentLost("the host's command agent is gone") from error

    def start(self, command, *, tty=False, rows=25, columns=80, sink=None):
        with self.changed:
            job = Job(self, len(self.jobs) + 1, command, sink)
            self.jobs[job.number] = job
        self.send(id=job.number, op="run", command=command, tty=tty, rows=rows, columns=columns)
        return job
