// SPDX-License-Identifier: GPL-2.0-only
// Calls of NT 6.0 that ReactOS, an NT 5.2, does not export. A program that imports them does not start there,
// so this one has functions of its own in the place of these imports, for itself and for the libraries in it
// (spdlog, winpthreads): they look for the system's when they are called, and do without if there is none.
#include <windows.h>

#include <cstdint>
#include <cstring>

namespace {

template <typename Function>
Function find(wchar_t const* module, char const* name) {
    return reinterpret_cast<Function>(
        reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(module), name)));
}

#define COOP_SYSTEMS(name) find<decltype(&::name)>(L"kernel32.dll", #name)

ULONGLONG WINAPI get_tick_count64() {
    if (auto* const call = COOP_SYSTEMS(GetTickCount64)) {
        return call();
    }
    // KUSER_SHARED_DATA.InterruptTime, in 100 ns: GetTickCount would begin anew after 49 days.
    constexpr std::uintptr_t interrupt_time = 0x7ffe0008;
    return *reinterpret_cast<ULONGLONG const volatile*>(interrupt_time) / 10000;
}

DWORD WINAPI get_dynamic_time_zone_information(PDYNAMIC_TIME_ZONE_INFORMATION information) {
    if (auto* const call = COOP_SYSTEMS(GetDynamicTimeZoneInformation)) {
        return call(information);
    }
    TIME_ZONE_INFORMATION fixed{};
    auto const result = GetTimeZoneInformation(&fixed);
    *information = {};
    std::memcpy(information, &fixed, sizeof fixed); // it begins with the same members
    return result;
}

// Of the kinds of information the one that we set; the kernel's structure for it is the same.
BOOL WINAPI set_file_information_by_handle(HANDLE file, FILE_INFO_BY_HANDLE_CLASS kind, LPVOID information,
                                           DWORD bytes) {
    if (auto* const call = COOP_SYSTEMS(SetFileInformationByHandle)) {
        return call(file, kind, information, bytes);
    }
    using NtSetInformationFile = LONG(NTAPI*)(HANDLE, ULONG_PTR[2], PVOID, ULONG, int);
    constexpr int file_disposition_information = 13;
    auto* const call = find<NtSetInformationFile>(L"ntdll.dll", "NtSetInformationFile");
    ULONG_PTR status_block[2];
    if (kind != FileDispositionInfo || call == nullptr ||
        call(file, status_block, information, bytes, file_disposition_information) < 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    return TRUE;
}

// Without lists a child inherits all handles that can be inherited. Of ours these are its own three alone.
BOOL WINAPI initialize_proc_thread_attribute_list(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD count, DWORD flags,
                                                  PSIZE_T bytes) {
    if (auto* const call = COOP_SYSTEMS(InitializeProcThreadAttributeList)) {
        return call(list, count, flags, bytes);
    }
    SetLastError(ERROR_CALL_NOT_IMPLEMENTED);
    return FALSE;
}

BOOL WINAPI update_proc_thread_attribute(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD flags, DWORD_PTR attribute,
                                         PVOID value, SIZE_T bytes, PVOID previous, PSIZE_T returned) {
    if (auto* const call = COOP_SYSTEMS(UpdateProcThreadAttribute)) {
        return call(list, flags, attribute, value, bytes, previous, returned);
    }
    SetLastError(ERROR_CALL_NOT_IMPLEMENTED);
    return FALSE;
}

void WINAPI delete_proc_thread_attribute_list(LPPROC_THREAD_ATTRIBUTE_LIST list) {
    if (auto* const call = COOP_SYSTEMS(DeleteProcThreadAttributeList)) {
        call(list);
    }
}

// What the user is told while we shut a guest down.
BOOL WINAPI shutdown_block_reason_create(HWND window, LPCWSTR reason) {
    auto* const call =
        find<decltype(&::ShutdownBlockReasonCreate)>(L"user32.dll", "ShutdownBlockReasonCreate");
    return call != nullptr ? call(window, reason) : FALSE;
}

BOOL WINAPI shutdown_block_reason_destroy(HWND window) {
    auto* const call =
        find<decltype(&::ShutdownBlockReasonDestroy)>(L"user32.dll", "ShutdownBlockReasonDestroy");
    return call != nullptr ? call(window) : FALSE;
}

} // namespace

// A call of a function that is declared dllimport goes through this pointer, which else an import library
// defines.
#define COOP_IN_PLACE_OF(name, function) decltype(&::name) import_##name asm("__imp_" #name) = function

extern "C" {
COOP_IN_PLACE_OF(GetTickCount64, get_tick_count64);
COOP_IN_PLACE_OF(GetDynamicTimeZoneInformation, get_dynamic_time_zone_information);
COOP_IN_PLACE_OF(SetFileInformationByHandle, set_file_information_by_handle);
COOP_IN_PLACE_OF(InitializeProcThreadAttributeList, initialize_proc_thread_attribute_list);
COOP_IN_PLACE_OF(UpdateProcThreadAttribute, update_proc_thread_attribute);
COOP_IN_PLACE_OF(DeleteProcThreadAttributeList, delete_proc_thread_attribute_list);
COOP_IN_PLACE_OF(ShutdownBlockReasonCreate, shutdown_block_reason_create);
COOP_IN_PLACE_OF(ShutdownBlockReasonDestroy, shutdown_block_reason_destroy);
}
