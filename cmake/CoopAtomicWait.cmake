# SPDX-License-Identifier: GPL-2.0-only
# COOP_ATOMIC_WAIT: a directory with libstdc++'s waiting on atomics, mended. Where there is no futex, GCC 12's looks at the value
# and then sleeps, and the notification may come in between: atomic::wait, semaphores, and the end of a thread that waits with a
# stop_token can last forever. This copy of the header looks again under the mutex, which who notifies takes too.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=include/c++/bits/atomic_wait.h
    OUTPUT_VARIABLE header OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
file(READ ${header} text)

function(mend old new)
    string(FIND "${text}" "${old}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "${header} is not what ${CMAKE_CURRENT_LIST_FILE} mends: does it lose notifications still?")
    endif()
    string(REPLACE "${old}" "${new}" text "${text}")
    set(text "${text}" PARENT_SCOPE)
endfunction()
mend("\t    _M_cv.wait(_M_mtx);\n"
    "\t    __atomic_load(__addr, &__val, __ATOMIC_SEQ_CST);\n\t    if (__val == __old)\n\t      _M_cv.wait(_M_mtx);\n")
mend("#else\n\tif (__all)\n" "#else\n\t{ lock_guard<mutex> __l(_M_mtx); }\n\tif (__all)\n")

set(COOP_ATOMIC_WAIT ${PROJECT_BINARY_DIR}/atomic-wait)
file(CONFIGURE OUTPUT ${COOP_ATOMIC_WAIT}/bits/atomic_wait.h CONTENT "${text}" @ONLY)
