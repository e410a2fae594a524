#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Builds coop_nt.ko for one kernel, out of links in the output directory.
# Usage: build.sh KERNEL_HEADERS OUTPUT_DIRECTORY
set -eu

if [ $# -ne 2 ]; then
    echo "usage: build.sh KERNEL_HEADERS OUTPUT_DIRECTORY" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$here/../../..")
headers=$1
mkdir -p "$2/shim"
output=$(cd "$2" && pwd)

ln -sfn "$here"/*.c "$here"/*.h "$here"/*.def "$here/Kbuild" "$output"
ln -sfn "$root"/hosts/linux/*.c "$root"/hosts/linux/*.h "$root/hosts/linux/probe.sh" "$root/hosts/linux/compat" \
    "$root/hosts/linux/probes" "$output/shim"
double=$(cd "$here" && echo *.c)

# As in hosts/linux/build.sh.
unset MAKEFLAGS MFLAGS MAKELEVEL
exec make -C "$headers" M="$output" COOP_DOUBLE="$double" COOP_INCLUDE="$root/libcoop/include" \
    CONFIG_DEBUG_INFO_BTF_MODULES= -j "${COOP_JOBS:-2}" --no-print-directory modules
