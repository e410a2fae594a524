/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ReactOS has no inet_ntop, and a program that imports it does not start there. libslirp calls this one
 * instead, without WINSOCK_API_LINKAGE.
 */
#include <winsock2.h>
#include <ws2tcpip.h>

char const* inet_ntop(int family, void const* address, char* text, size_t bytes) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    int failed = 1;
    if (family == AF_INET) {
        in.sin_addr = *(struct in_addr const*)address;
        failed = getnameinfo((struct sockaddr*)&in, sizeof in, text, (DWORD)bytes, NULL, 0, NI_NUMERICHOST);
    } else if (family == AF_INET6) {
        in6.sin6_addr = *(struct in6_addr const*)address;
        failed = getnameinfo((struct sockaddr*)&in6, sizeof in6, text, (DWORD)bytes, NULL, 0, NI_NUMERICHOST);
    }
    return failed ? NULL : text;
}
