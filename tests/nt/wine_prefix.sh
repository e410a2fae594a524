#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Makes a new prefix for Wine where WINEPREFIX says; at its end no program runs there.
set -e
rm -rf "$WINEPREFIX"
# The first program in a new prefix finds no Windows there yet: Wine makes one and then starts the program in a roundabout way
# (start.exe) that fails now and then. What the second says, counts.
wineboot --init || true
wineboot --init
wineserver --wait
