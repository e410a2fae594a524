#!/bin/sh -e
# SPDX-License-Identifier: GPL-2.0-only
# Makes the Wine prefix that WINEPREFIX names, a Windows 10 of its own in the build tree, unless this Wine made it before.
version=$(wine --version)
made=$WINEPREFIX/made-by
if [ "$(cat "$made" 2>/dev/null)" != "$version" ]; then
    rm -rf "$WINEPREFIX"
    wineboot --init
    wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f
    wineserver --wait
    echo "$version" >"$made"
fi
