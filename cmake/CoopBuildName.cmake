# SPDX-License-Identifier: GPL-2.0-only
# COOP_BUILD_NAME, what drivers tell as their build: as told by the project, else by git, else unknown.
set(COOP_BUILD_NAME "${COOP_BUILD}")
if(NOT COOP_BUILD_NAME)
    find_package(Git QUIET)
    if(Git_FOUND)
        execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                        OUTPUT_VARIABLE COOP_BUILD_NAME OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
endif()
if(NOT COOP_BUILD_NAME)
    set(COOP_BUILD_NAME unknown)
endif()
