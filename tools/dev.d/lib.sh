# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Shared by every tools/dev subcommand: where things are, and how to speak. Sourced, not run.

set -euo pipefail

COOP_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export COOP_ROOT
export COOP_CACHE=${COOP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/coop}

# say TEXT…: progress for people, on stderr so that stdout stays a command's own output.
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# die TEXT…: what failed, why, what to do; ends the script.
die() {
    printf 'tools/dev: %s\n' "$*" >&2
    exit 1
}

# package_list: the packages file without comments, one per line.
package_list() { sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$COOP_ROOT/tools/dev.d/packages"; }

# jobs: compile jobs to run at once; COOP_JOBS overrides.
jobs_count() { printf '%s\n' "${COOP_JOBS:-$(nproc)}"; }

# quietly LOG CMD…: runs CMD with its output in LOG; shows the end of LOG only when CMD fails.
quietly() {
    local log=$1 status=0
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 || status=$?
    if ((status)); then
        tail -n 40 "$log" >&2
        die "'$*' failed with status $status; the whole log is in $log"
    fi
}
