# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The cache that every image and kernel script builds through, and what they share. Sourced, not run.
#
# An entry is a directory named after the hash of everything it is made from, so that a stale entry cannot be
# used and an absent one is simply built. Builders fill a private directory that is renamed when whole; a lock
# per name keeps two runs from building the same thing.

. "$(dirname "${BASH_SOURCE[0]}")/../dev.d/lib.sh"
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/sbin:/sbin

# cache_key INPUT…: hash of the inputs' text; an INPUT that names a file counts by name and content.
cache_key() {
    local input
    for input in "$@"; do
        if [[ -f $input ]]; then
            printf '%s\n' "${input##*/}"
            cat -- "$input"
        else
            printf '%s\n' "$input"
        fi
    done | sha256sum | cut -c1-20
}

# cached NAME BUILDER INPUT…: prints the cache directory for NAME, built by 'BUILDER DIRECTORY' if it is not there.
# The calling script and this file always count as inputs.
cached() {
    local name=$1 builder=$2 key entry lock status
    shift 2
    key=$(cache_key "$0" "${BASH_SOURCE[0]}" "$@")
    entry=$COOP_CACHE/$name-$key
    mkdir -p "$COOP_CACHE"
    exec {lock}>"$COOP_CACHE/$name.lock"
    flock "$lock"
    if [[ ! -d $entry ]]; then
        # Under the lock nobody else builds this name: a leftover is from a run that was killed.
        rm -rf -- "$COOP_CACHE"/."$name".*
        work=$(mktemp -d "$COOP_CACHE/.$name.XXXXXX")
        trap 'rm -rf -- "$work"' EXIT
        say "image: building $name"
        mkdir "$work/entry"
        # Not '(…) || …': that would switch off -e inside the builder.
        set +e
        (set -e; exec {lock}>&-; "$builder" "$work/entry") >"$work/log" 2>&1
        status=$?
        set -e
        if ((status)); then
            tail -n 40 "$work/log" >&2
            die "building $name failed (the end of its output is above)"
        fi
        mv -T "$work/entry" "$entry"
        # Entries of the same name that nothing used for two weeks only take room.
        find "$COOP_CACHE" -maxdepth 1 -type d -name "$name-*" -mtime +14 -exec rm -rf -- {} +
    fi
    touch "$entry"
    exec {lock}>&-
    printf '%s\n' "$entry"
}

# kernel_package 6.1|6.12: prints "RELEASE VERSION", the kernel whose headers are installed on this machine.
kernel_package() {
    local meta depends
    case $1 in
    6.1) meta=linux-headers-amd64 ;;
    6.12) meta=linux-headers-6.12-amd64 ;;
    *) die "no host kernel '$1' (6.1, 6.12)" ;;
    esac
    depends=$(dpkg-query -W -f '${Depends}' "$meta" 2>/dev/null) || die "$meta is not installed: tools/dev setup"
    sed -nE 's/^.*linux-headers-([^ ,]+) \(= ([^)]+)\).*$/\1 \2/p' <<<"$depends"
}
