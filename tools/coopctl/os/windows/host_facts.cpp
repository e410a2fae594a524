// SPDX-License-Identifier: GPL-2.0-only
// Facts from the CPU, the kernel's information classes and the service manager.
#include "os/windows/host_facts.hpp"

#include "devices/handle_windows.hpp"
#include <array>
#include <cpuid.h>
#include <cstring>
#include <string_view>
#include <winternl.h>

namespace coop::ctl {

namespace {

// Of NtQuerySystemInformation; in the WDK's documentation, not in this compiler's headers.
constexpr int class_code_integrity = 103;
constexpr int class_secure_boot = 145;
constexpr int class_isolated_user_mode = 165;
constexpr int class_kernel_va_shadow = 196;

struct CodeIntegrity {
    ULONG length;
    ULONG options;
};
struct SecureBoot {
    BOOLEAN enabled;
    BOOLEAN capable;
};
struct IsolatedUserMode {
    std::uint8_t flags; // bit 0: the secure kernel runs
    std::uint8_t more[15];
};

// Nothing where the kernel does not know the class: it is older.
template <typename T>
bool query(int number, T& answer) {
    using Function = NTSTATUS(NTAPI*)(int, void*, ULONG, ULONG*);
    auto* const found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation");
    auto* const function = reinterpret_cast<Function>(reinterpret_cast<void*>(found));
    return function != nullptr && function(number, &answer, sizeof answer, nullptr) >= 0;
}

std::uint32_t system_build() {
    // GetVersionEx says what a program's manifest admits to knowing.
    using Function = NTSTATUS(NTAPI*)(OSVERSIONINFOW*);
    auto* const found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlGetVersion");
    auto* const function = reinterpret_cast<Function>(reinterpret_cast<void*>(found));
    OSVERSIONINFOW version{};
    version.dwOSVersionInfoSize = sizeof version;
    return function != nullptr && function(&version) >= 0 ? version.dwBuildNumber : 0;
}

bool is_reactos() {
    std::array<wchar_t, 64> name{};
    DWORD bytes = sizeof name;
    return RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
                        L"ProductName", RRF_RT_REG_SZ, nullptr, name.data(), &bytes) == ERROR_SUCCESS &&
           std::wstring_view(name.data()) == L"ReactOS";
}

void read_cpu(HostFacts& facts) {
    std::array<unsigned, 12> brand{};
    unsigned a = 0, b = 0, c = 0, d = 0;
    for (unsigned leaf = 0; leaf < 3; ++leaf) {
        auto* const at = brand.data() + std::size_t{4} * leaf;
        __get_cpuid(0x80000002 + leaf, at, at + 1, at + 2, at + 3);
    }
    char text[sizeof brand + 1] = {};
    std::memcpy(text, brand.data(), sizeof brand);
    facts.cpu = text;
    facts.cpu.erase(0, facts.cpu.find_first_not_of(' '));
    if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
        facts.pcid = (c >> 17 & 1) != 0;
        facts.hypervisor = (c >> 31 & 1) != 0;
    }
    if (__get_cpuid(0x80000007, &a, &b, &c, &d) != 0) {
        facts.tsc_invariant = (d >> 8 & 1) != 0;
    }
    facts.nx = IsProcessorFeaturePresent(PF_NX_ENABLED) != 0;
}

} // namespace

HostFacts read_host_facts() {
    HostFacts facts;
    read_cpu(facts);
    facts.reactos = is_reactos();
    facts.build = system_build();
    if (CodeIntegrity answer{sizeof answer, 0}; query(class_code_integrity, answer)) {
        facts.code_integrity = answer.options;
    }
    if (SecureBoot answer{}; query(class_secure_boot, answer)) {
        facts.secure_boot = answer.enabled != 0;
    }
    if (IsolatedUserMode answer{}; query(class_isolated_user_mode, answer)) {
        facts.isolated_kernel = (answer.flags & 1) != 0;
    }
    if (ULONG flags = 0; query(class_kernel_va_shadow, flags)) {
        facts.kernel_shadowed = (flags & 1) != 0;
    }
    MEMORYSTATUSEX memory{};
    memory.dwLength = sizeof memory;
    if (GlobalMemoryStatusEx(&memory) != 0) {
        facts.memory = memory.ullAvailPhys;
    }
    facts.driver = service_state(driver_service);
    return facts;
}

} // namespace coop::ctl
