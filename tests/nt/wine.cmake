# SPDX-License-Identifier: GPL-2.0-only
# Wine for the tests of the NT build: a session in a prefix of its own in the build tree, without a display, silent.
set(COOP_WINE_ENVIRONMENT
    "WINEPREFIX=${PROJECT_BINARY_DIR}/wine" WINEDEBUG=-all DISPLAY= "WINEDLLOVERRIDES=mscoree,mshtml=")

foreach(step begin end)
    add_test(NAME nt.wine_${step} COMMAND ${CMAKE_CURRENT_LIST_DIR}/wine_session.sh ${step})
    set_tests_properties(nt.wine_${step} PROPERTIES LABELS nt TIMEOUT 300 ENVIRONMENT "${COOP_WINE_ENVIRONMENT}")
endforeach()
set_tests_properties(nt.wine_begin PROPERTIES FIXTURES_SETUP wine)
set_tests_properties(nt.wine_end PROPERTIES FIXTURES_CLEANUP wine)
