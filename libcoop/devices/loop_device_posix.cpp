// SPDX-License-Identifier: GPL-2.0-only
// Linux's loop devices; see loop_device_posix.hpp. Nothing where there are none.
#include "devices/loop_device_posix.hpp"

#include <string_view>

#if __has_include(<linux/loop.h>)
#include "devices/file_descriptor_posix.hpp"

#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#endif

namespace coop {

#if __has_include(<linux/loop.h>)

// The device is asked, not sysfs: a path there is as the kernel saw it, and the file may have moved.
std::string loop_device_over(struct stat const& file) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry{"/sys/block", error}, end; !error && entry != end;
         entry.increment(error)) {
        if (std::error_code ignored;
            !std::filesystem::exists(entry->path() / "loop" / "backing_file", ignored)) {
            continue; // no loop device, or one without a file
        }
        auto const path = "/dev" / entry->path().filename();
        FileDescriptor const device{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        loop_info64 info{};
        if (device.get() < 0 || ::ioctl(device.get(), LOOP_GET_STATUS64, &info) != 0) {
            continue;
        }
        bool const same = S_ISBLK(file.st_mode)
                              ? info.lo_rdevice == file.st_rdev
                              : info.lo_device == file.st_dev && info.lo_inode == file.st_ino;
        if (same) {
            return path;
        }
    }
    return {};
}

#else

std::string loop_device_over(struct stat const&) {
    return {};
}

#endif

} // namespace coop
