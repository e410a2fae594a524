#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Builds coop.ko for one kernel. The module's sources are linked into the output directory, so the checkout stays clean and several
# kernels can be built side by side.
# Usage: build.sh KERNEL_HEADERS OUTPUT_DIRECTORY LIBCOOP_A [BUILD_STRING]
set -eu

if [ $# -lt 3 ]; then
    echo "usage: build.sh KERNEL_HEADERS OUTPUT_DIRECTORY LIBCOOP_A [BUILD_STRING]" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
headers=$1
mkdir -p "$2"
output=$(cd "$2" && pwd)
library=$(realpath "$3")
build=${4:-unknown}

if [ ! -f "$headers/Module.symvers" ]; then
    echo "build.sh: $headers holds no kernel headers (no Module.symvers); install the kernel's linux-headers package" >&2
    exit 1
fi
for file in "$here"/*.c "$here"/*.h "$here"/Kbuild "$here"/probe.sh "$here"/compat "$here"/probes; do
    ln -sfn "$file" "$output/$(basename "$file")"
done

# MAKEFLAGS: a surrounding make's jobserver is not ours. BTF for modules needs the kernel's vmlinux, which no package has.
unset MAKEFLAGS MFLAGS MAKELEVEL
exec make -C "$headers" M="$output" LIBCOOP_A="$library" COOP_INCLUDE="$here/../../libcoop/include" COOP_BUILD="$build" \
    CONFIG_DEBUG_INFO_BTF_MODULES= -j "${COOP_JOBS:-2}" --no-print-directory modules
