# SPDX-License-Identifier: GPL-2.0-only
# Wine for the tests of the NT build: a prefix of its own in the build tree, without a display, silent.
set(COOP_WINE_ENVIRONMENT
    "WINEPREFIX=${PROJECT_BINARY_DIR}/wine" WINEDEBUG=-all DISPLAY= "WINEDLLOVERRIDES=mscoree,mshtml=")

add_test(NAME nt.wine_prefix COMMAND ${CMAKE_CURRENT_LIST_DIR}/wine_prefix.sh)
add_test(NAME nt.wine_end COMMAND sh -c "wineserver --kill || true") # it may have ended by itself
set_tests_properties(nt.wine_prefix nt.wine_end PROPERTIES LABELS "nt;long" TIMEOUT 300 ENVIRONMENT "${COOP_WINE_ENVIRONMENT}")
set_tests_properties(nt.wine_prefix PROPERTIES FIXTURES_SETUP wine)
set_tests_properties(nt.wine_end PROPERTIES FIXTURES_CLEANUP wine)
