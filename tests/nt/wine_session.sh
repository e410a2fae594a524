#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# begin: Wine for a run of tests, in the prefix that WINEPREFIX names: a Windows 10 of its own in the build tree, made unless this
# Wine made it before. end: the end of it.
#
# What Wine starts by itself (services, the desktop) lives as long as any program does, and keeps the standard error of the
# program that needed it first. Whoever reads that to its end, as ctest does, would wait for all others. So they are started
# here, where nobody reads, and stay until the end of the run.

begin() {
    wineserver --kill || true # of a run that was cut short
    wineserver --wait
    version=$(wine --version)
    made=$WINEPREFIX/made-by
    if [ "$(cat "$made" 2>/dev/null)" != "$version" ]; then
        "$(dirname "$0")/wine_prefix.sh"
        wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f
        wineserver --wait
        echo "$version" >"$made"
    fi
    # Waits for input, which ends with ctest. What services report to the event log is printed, as Wine has no such log.
    tail --pid="$PPID" --follow /dev/null | WINEDEBUG=-all,+eventlog wine cmd /c 'echo session& set /p x=' &
    holder=$!
    until grep -q session "$log"; do
        kill -0 "$holder"
        sleep 0.1
    done
    wine rundll32 user32.dll,UpdateWindow # has a window: the desktop's process begins
}

log=$WINEPREFIX.log
case $1 in
begin)
    (
        set -e
        begin
    ) >"$log" 2>&1 </dev/null
    status=$?
    [ $status = 0 ] || cat "$log"
    exit $status
    ;;
end)
    wineserver --kill
    wineserver --wait
    ;;
esac
