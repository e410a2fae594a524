# SPDX-License-Identifier: GPL-2.0-only
# coop_version_resource(RC NAME TYPE SUBTYPE VERSION DESCRIPTION): writes RC, a resource script for the file NAME, whose properties
# it makes. TYPE and SUBTYPE are winver.h's.
set(COOP_VERSION_TEMPLATE ${CMAKE_CURRENT_LIST_DIR}/version.rc.in)

function(coop_version_resource rc COOP_FILE_NAME COOP_FILE_TYPE COOP_FILE_SUBTYPE COOP_FILE_VERSION COOP_FILE_DESCRIPTION)
    cmake_path(GET COOP_FILE_NAME STEM COOP_FILE_STEM)
    configure_file(${COOP_VERSION_TEMPLATE} ${rc} @ONLY)
endfunction()
