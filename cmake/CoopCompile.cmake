# SPDX-License-Identifier: GPL-2.0-only
# How all our code is compiled, and what only hosted code gets.

set(CMAKE_C_STANDARD 17)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# Link to it for our warnings; ours are errors, so that none gets used to.
add_library(coop_warnings INTERFACE)
target_compile_options(coop_warnings INTERFACE
    -Wall -Wextra -Werror -Wshadow -Wundef -Wpointer-arith -Wwrite-strings
    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wconversion -Wno-sign-conversion>
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>)

# Link to it for hosted code. The sanitizers' run-time is linked statically: programs also run where it is not installed.
add_library(coop_hosted INTERFACE)
target_link_libraries(coop_hosted INTERFACE coop_warnings)
if(COOP_SANITIZE)
    set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(coop_hosted INTERFACE ${sanitizers})
    target_link_options(coop_hosted INTERFACE ${sanitizers} -static-libasan -static-libubsan)
endif()

# add_subdirectory_if_there(DIR): parts of the tree may be absent from a partial checkout.
function(add_subdirectory_if_there directory)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${directory}/CMakeLists.txt)
        add_subdirectory(${directory})
    else()
        message(STATUS "not there, left out: ${directory}")
    endif()
endfunction()
