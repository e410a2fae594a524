# SPDX-License-Identifier: GPL-2.0-only
# COOP_KERNEL_RELEASES: the releases (uname -r) of the host kernels to build the module for. Each has its headers in
# /lib/modules/<release>/build. Default: what Debian's header metapackages on this machine stand for.

if(NOT DEFINED COOP_KERNEL_RELEASES)
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/images/kernel-release
        OUTPUT_VARIABLE lines OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX REPLACE "[0-9.]+ ([^\n]+)" "\\1" lines "${lines}")
    string(REPLACE "\n" ";" COOP_KERNEL_RELEASES "${lines}")
endif()
message(STATUS "host kernels: ${COOP_KERNEL_RELEASES}")
