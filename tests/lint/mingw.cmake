# SPDX-License-Identifier: GPL-2.0-only
# Configures and builds the mingw preset.
foreach(step "--preset;mingw" "--build;--preset;mingw")
    execute_process(COMMAND ${CMAKE_COMMAND} ${step} WORKING_DIRECTORY ${SOURCE} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
