# SPDX-License-Identifier: GPL-2.0-only
# coop_python_tests(PREFIX LABEL): every test_NAME.py of the current directory is one ctest test PREFIXNAME. Comment lines at its top
# set '# Timeout: SECONDS' (default 300) and '# Labels: long' for those that run only by 'tools/dev test --long', and alone, since most
# of them measure.
function(coop_python_tests prefix label)
    file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.py)
    foreach(file ${tests})
        cmake_path(GET file STEM name)
        string(REGEX REPLACE "^test_" "${prefix}" name ${name})
        file(STRINGS ${file} timeout REGEX "^# Timeout: [0-9]+$" LIMIT_COUNT 1)
        file(STRINGS ${file} labels REGEX "^# Labels: " LIMIT_COUNT 1)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
        string(REGEX REPLACE "^# Timeout: " "" timeout "${timeout}")
        string(REGEX REPLACE "^# Labels: " "" labels "${labels}")
        if(NOT timeout)
            set(timeout 300)
        endif()
        add_test(NAME ${name} COMMAND Python3::Interpreter -B ${file})
        set_tests_properties(${name} PROPERTIES
            LABELS "${label};${labels}" TIMEOUT ${timeout} COST ${timeout}
            ENVIRONMENT "COOP_BUILD_DIR=${PROJECT_BINARY_DIR}")
        if(labels MATCHES long)
            set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
        endif()
    endforeach()
endfunction()
