# SPDX-License-Identifier: GPL-2.0-only
# Configures the mingw preset and builds the core as PE objects.
foreach(step "--preset;mingw" "--build;--preset;mingw;--target;coop_core_kernel")
    execute_process(COMMAND ${CMAKE_COMMAND} ${step} WORKING_DIRECTORY ${SOURCE} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
