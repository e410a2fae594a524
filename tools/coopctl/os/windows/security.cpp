// SPDX-License-Identifier: GPL-2.0-only
// Security descriptors.
#include "os/windows/security.hpp"

#include "os/windows/text.hpp"

#include <aclapi.h>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <sddl.h>
#include <vector>

namespace coop::ctl {

namespace {

struct LocalFreer {
    void operator()(void* memory) const { LocalFree(memory); }
};

// Full access for SYSTEM and administrators, for what is made inside as well; nothing is inherited from
// above.
constexpr wchar_t const* private_descriptor = L"D:P(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)";

// The user that this process runs as.
std::vector<std::byte> token_user() {
    HANDLE token = nullptr;
    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) == 0) {
        throw failed("cannot find out who runs this process");
    }
    Handle const owner{token};
    DWORD bytes = 0;
    GetTokenInformation(token, TokenUser, nullptr, 0, &bytes);
    std::vector<std::byte> buffer(bytes);
    if (GetTokenInformation(token, TokenUser, buffer.data(), bytes, &bytes) == 0) {
        throw failed("cannot find out who runs this process");
    }
    return buffer;
}

bool is_trusted(PSID sid, PSID user) {
    return IsWellKnownSid(sid, WinLocalSystemSid) != 0 ||
           IsWellKnownSid(sid, WinBuiltinAdministratorsSid) != 0 ||
           IsWellKnownSid(sid, WinCreatorOwnerSid) != 0 ||
           IsWellKnownSid(sid, WinCreatorOwnerRightsSid) != 0 || EqualSid(sid, user) != 0;
}

// Whether the system's own volume does. Windows's always does; ReactOS lives on FAT, where nothing is
// private.
bool keeps_access_lists() {
    std::array<wchar_t, MAX_PATH> path{};
    DWORD flags = FILE_PERSISTENT_ACLS;
    if (GetSystemWindowsDirectoryW(path.data(), path.size()) > 0) {
        auto const root = std::filesystem::path(path.data()).root_path();
        GetVolumeInformationW(root.c_str(), nullptr, 0, nullptr, nullptr, &flags, nullptr, 0);
    }
    return (flags & FILE_PERSISTENT_ACLS) != 0;
}

} // namespace

PrivateSecurity::PrivateSecurity() {
    attributes_.nLength = sizeof attributes_;
    if (ConvertStringSecurityDescriptorToSecurityDescriptorW(
            private_descriptor, SDDL_REVISION_1, &attributes_.lpSecurityDescriptor, nullptr) == 0) {
        throw failed("cannot make a security descriptor");
    }
}

PrivateSecurity::~PrivateSecurity() {
    LocalFree(attributes_.lpSecurityDescriptor);
}

bool is_private(HANDLE file, std::filesystem::path const& path) {
    if (!keeps_access_lists()) {
        return true;
    }
    PSID owner = nullptr;
    PACL list = nullptr;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    if (auto const error =
            GetSecurityInfo(file, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                            &owner, nullptr, &list, nullptr, &descriptor);
        error != ERROR_SUCCESS) {
        throw failed(fmt::format("cannot read who may use {}", path.string()), error);
    }
    std::unique_ptr<void, LocalFreer> const freer(descriptor);
    auto const buffer = token_user();
    auto* const user = reinterpret_cast<TOKEN_USER const*>(buffer.data())->User.Sid;
    if (list == nullptr || !is_trusted(owner, user)) {
        return false; // no list lets everybody in
    }
    for (DWORD i = 0; i < list->AceCount; ++i) {
        void* entry = nullptr;
        if (GetAce(list, i, &entry) == 0) {
            return false;
        }
        auto const* const header = static_cast<ACE_HEADER const*>(entry);
        if (header->AceType == ACCESS_DENIED_ACE_TYPE) {
            continue;
        }
        auto* const allowed = static_cast<ACCESS_ALLOWED_ACE*>(entry);
        if (header->AceType != ACCESS_ALLOWED_ACE_TYPE ||
            (allowed->Mask != 0 && !is_trusted(&allowed->SidStart, user))) {
            return false;
        }
    }
    return true;
}

} // namespace coop::ctl
