# SPDX-License-Identifier: GPL-2.0-only
"""Sends one control code to the driver behind /dev/coop of the NT-ABI harness; runs in the host.

Usage: device_io_control.py CODE INPUT OUTPUT-BYTES
INPUT is hexadecimal; EVENT in it is a new event's handle. Prints the NTSTATUS, IoStatus.Information and the output, in hexadecimal.
A signal cancels the request.
"""

import ctypes
import fcntl
import os
import signal
import struct
import sys

RAW = struct.Struct("=IIIiQQ")  # raw.h
RAW_REQUEST = 3 << 30 | RAW.size << 16 | 0xc1 << 8

code, text, output_bytes = int(sys.argv[1], 0), sys.argv[2], int(sys.argv[3])
event = os.eventfd(0, os.EFD_NONBLOCK)
given = bytes.fromhex(text.replace("EVENT", struct.pack("<Q", event).hex()))
buffer = ctypes.create_string_buffer(given, max(len(given), output_bytes, 1))
raw = bytearray(RAW.pack(code, len(given), output_bytes, 0, ctypes.addressof(buffer), 0))
signal.signal(signal.SIGUSR1, lambda *_: None)
fcntl.ioctl(os.open("/dev/coop", os.O_RDWR), RAW_REQUEST, raw)
_, _, _, status, _, information = RAW.unpack(raw)
print(f"{status & 0xffffffff:#010x} {information} {buffer.raw[:min(information, output_bytes)].hex()}")
