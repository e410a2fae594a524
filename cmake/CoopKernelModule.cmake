# SPDX-License-Identifier: GPL-2.0-only
# coop_kernel_module(NAME SOURCES file…): a module for tests, for each kernel that coop.ko is built for, by the build.sh of the current
# directory, which takes the kernel's headers and a directory for its output. Target NAME_ko; output <release>/NAME.ko.
function(coop_kernel_module name)
    cmake_parse_arguments(module "" "" "SOURCES" ${ARGN})
    get_property(kernels GLOBAL PROPERTY COOP_KERNELS_FOUND)
    set(script ${CMAKE_CURRENT_SOURCE_DIR}/build.sh)
    set(modules "")
    foreach(kernel IN LISTS kernels)
        string(REGEX MATCH "^([^=]+)=(.+)$" kernel ${kernel})
        set(output ${CMAKE_CURRENT_BINARY_DIR}/${CMAKE_MATCH_1})
        list(APPEND modules ${output}/${name}.ko)
        add_custom_command(
            OUTPUT ${output}/${name}.ko
            COMMAND ${script} ${CMAKE_MATCH_2} ${output}
            DEPENDS ${module_SOURCES} ${script} ${CMAKE_CURRENT_SOURCE_DIR}/Kbuild
            COMMENT "${name}.ko for ${CMAKE_MATCH_1}"
            VERBATIM)
    endforeach()
    add_custom_target(${name}_ko ALL DEPENDS ${modules})
endfunction()
