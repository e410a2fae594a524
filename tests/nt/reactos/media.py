# SPDX-License-Identifier: GPL-2.0-only
"""What a ReactOS host boots from and works with: its live CD with our program in the place of its set-up, and a disk."""

import pathlib
import subprocess

CONFIG = "reactos/system32/config"
LOADER = "loader/isoboot.bin"
# For the files in CONFIG of these names. Serial ports and the place of data for all users are what the CD's set-up would see to, in minutes.
REGISTRY = {
    "system": r"""
[\Setup]
"CmdLine"="{command}"
"SetupType"=dword:00000001

[\ControlSet001\Control\CriticalDeviceDatabase\*PNP0501]
"Service"="Serial"
"ClassGUID"="{{4D36E978-E325-11CE-BFC1-08002BE10318}}"

[\ControlSet001\Services\Serial]
"ImagePath"=str(2):"system32\\drivers\\serial.sys"
"Type"=dword:00000001
"Start"=dword:00000003
"ErrorControl"=dword:00000001
""",
    "software": r"""
[\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders]
"Common AppData"=str(2):"{data}"
"""}
DISK_SIGNATURE = b"coop"  # without one a disk is not for NT
# Of a live CD's menu: the kernel's debugger writes to COM1, and nobody is asked.
BOOT_MENU = r"""[FREELOADER]
DefaultOS=Test
TimeOut=0

[Operating Systems]
Test="Test"

[Test]
BootType=Windows2003
SystemPath=\reactos
Options=/DEBUG /DEBUGPORT=COM1 /BAUDRATE=115200 /SOS /FASTDETECT /MININT
"""


def _run(*words):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed with status {done.returncode}\n{done.stdout}")


def _quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


def live_cd(iso, directory, command, data):
    """Makes a copy of a live CD, `directory`/live.iso, that runs `command` as SYSTEM when its services have started, and nothing
    else. Serial ports are there, and what programs keep for all users is in the directory `data` there."""
    tree = pathlib.Path(directory, "tree")
    _run("xorriso", "-osirrox", "on:auto_chmod_on", "-indev", iso, "-extract", "/", tree)
    if not (tree / CONFIG / "system").is_file() or not (tree / LOADER).is_file():
        raise RuntimeError(f"{iso} is not a live CD of ReactOS: it has no /{CONFIG}/system or no /{LOADER}")
    _run("chmod", "-R", "u+w", tree)
    for name, text in REGISTRY.items():
        changes = pathlib.Path(directory, f"{name}.reg")
        changes.write_text("Windows Registry Editor Version 5.00\n" + text.format(command=_quoted(command), data=_quoted(data)),
                           encoding="ascii")
        _run("hivexregedit", "--merge", "--prefix", "", tree / CONFIG / name, changes)
    (tree / "freeldr.ini").write_text(BOOT_MENU.replace("\n", "\r\n"), encoding="ascii", newline="")
    result = pathlib.Path(directory, "live.iso")
    _run("genisoimage", "-quiet", "-o", result, "-iso-level", "4", "-volid", "ReactOS", "-no-emul-boot", "-boot-load-size", "4",
         "-eltorito-boot", LOADER, "-hide", "boot.catalog", tree)
    return result


def fat_disk(path, mebibytes, files):
    """Makes a disk with one FAT32 partition, which holds `files`: names in its root to paths here."""
    start = 2048  # sectors
    # The partition's entry: FAT32 by LBA.
    entry = bytes([0x00, 0xfe, 0xff, 0xff, 0x0c, 0xfe, 0xff, 0xff]) + start.to_bytes(4, "little") + \
        ((mebibytes << 11) - start).to_bytes(4, "little")
    with open(path, "wb") as disk:
        disk.truncate(mebibytes << 20)
        disk.seek(440)
        disk.write(DISK_SIGNATURE + bytes(2) + entry + bytes(48) + b"\x55\xaa")
    partition = f"{path}@@{start * 512}"
    _run("mformat", "-i", partition, "-F", "-T", (mebibytes << 11) - start, "-h", 255, "-s", 63, "-H", start, "-c", 16, "-v", "COOP", "::")
    for name, source in files.items():
        _run("mcopy", "-i", partition, source, f"::{name}")
