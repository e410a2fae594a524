# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's gdb stub, by the remote protocol: breakpoints, memory, and the monitor's commands while the machine is stopped."""

import socket
import struct

RDI, RIP = 5, 16  # in the order of the stub's registers, 64 bits each


class Ended(Exception):
    """The machine has."""


class Stub:
    """path: of the socket that QEMU has been given by -gdb."""

    def __init__(self, path, seconds):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(str(path))
        self.buffer = b""

    def close(self):
        self.socket.close()

    def byte(self):
        if not self.buffer:
            self.buffer = self.socket.recv(65536)
            if not self.buffer:
                raise Ended
        first, self.buffer = self.buffer[:1], self.buffer[1:]
        return first

    def receive(self):
        while self.byte() != b"$":
            continue
        packet = b"".join(iter(self.byte, b"#"))
        self.byte()
        self.byte()
        self.socket.sendall(b"+")
        return packet.decode()

    def send(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) & 0xff:02x}".encode())

    def ask(self, text):
        self.send(text)
        return self.receive()

    def command(self, text):
        answer = self.ask(text)
        if answer != "OK":
            raise RuntimeError(f"QEMU's gdb stub answers {text!r} with {answer!r}")

    def insert(self, address):
        self.command(f"Z1,{address:x},1")

    def remove(self, address):
        self.command(f"z1,{address:x},1")

    def run(self):
        """Until the next breakpoint. What has been sent meanwhile comes first."""
        self.resume("c")

    def step(self):
        """One instruction, whether there is a breakpoint or not, before anything that has been sent."""
        self.resume("s")

    def resume(self, how):
        answer = self.ask(how)
        if answer[:1] in "WX":
            raise Ended
        if not answer.startswith("T05"):
            raise RuntimeError(f"the machine stopped with {answer!r}")

    def registers(self):
        return struct.unpack_from("<17Q", bytes.fromhex(self.ask("g")))

    def write(self, address, words):
        self.command(f"M{address:x},{8 * len(words):x}:{struct.pack(f'<{len(words)}Q', *words).hex()}")

    def monitor(self, text):
        """What the monitor has to say, which is nothing if all is well."""
        answer, said = self.ask(f"qRcmd,{text.encode().hex()}"), ""
        while answer.startswith("O") and answer != "OK":
            said += bytes.fromhex(answer[1:]).decode()
            answer = self.receive()
        if said or answer != "OK":
            raise RuntimeError(f"QEMU's monitor answers {text!r} with {said or answer!r}")
