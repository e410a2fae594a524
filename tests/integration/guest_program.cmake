# SPDX-License-Identifier: GPL-2.0-only
# coop_guest_program(NAME SOURCE…): a program that runs in the QEMU host and, as the only process, in a guest. Static, since the
# C library there may be another, and without sanitizers. NAME.cpio beside it is an initramfs with the program as /init.
function(coop_guest_program name)
    add_executable(${name} ${ARGN})
    target_compile_options(${name} PRIVATE -O2 -fno-sanitize=all -std=gnu17)
    target_link_options(${name} PRIVATE -fno-sanitize=all -static)
    set(tree ${CMAKE_CURRENT_BINARY_DIR}/${name}.tree)
    add_custom_command(
        OUTPUT ${name}.cpio
        COMMAND ${CMAKE_COMMAND} -E make_directory ${tree}
        COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:${name}> ${tree}/init
        COMMAND ${CMAKE_COMMAND} -E chdir ${tree} sh -c "echo init | cpio --quiet -o -H newc -R 0:0 -O ../${name}.cpio"
        DEPENDS ${name}
        COMMENT "initramfs with ${name}"
        VERBATIM)
    add_custom_target(${name}_initramfs ALL DEPENDS ${name}.cpio)
endfunction()
