// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's control path from user space: service, device, requests that are answered, refused, pending
 * and cancelled. Runs where guests are refused too, as under Wine; all steps in one process, since Wine's
 * drivers end with the last one.
 *
 * Usage: driver_test.exe PATH_OF_COOP_SYS
 */
#include <windows.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "coop/ioctl_nt.h"

#define DEVICE L"\\\\.\\coop"
#define SERVICE L"coop"
#define PATIENCE_MS 10000

static unsigned int failures;

static bool check_at(bool holds, const char* what, int line) {
    if (!holds) {
        printf("driver_test.c:%d: failed: %s (last error %lu)\n", line, what, GetLastError());
        failures++;
    }
    return holds;
}
#define CHECK(condition) check_at(condition, #condition, __LINE__)

static HANDLE open_name(const wchar_t* name) {
    return CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED,
                       NULL);
}

/* A request under way, and its buffer. */
struct pending {
    OVERLAPPED overlapped;
    unsigned char buffer[4096];
};

static DWORD begin(HANDLE device, struct pending* pending, DWORD code, DWORD in, DWORD out) {
    memset(&pending->overlapped, 0, sizeof(pending->overlapped));
    pending->overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    return DeviceIoControl(device, code, pending->buffer, in, pending->buffer, out, NULL,
                           &pending->overlapped)
               ? ERROR_SUCCESS
               : GetLastError();
}

/* Its error, once it is done. */
static DWORD finish(HANDLE device, struct pending* pending, DWORD* bytes) {
    DWORD error = WAIT_TIMEOUT;

    *bytes = 0;
    if (WaitForSingleObject(pending->overlapped.hEvent, PATIENCE_MS) == WAIT_OBJECT_0) {
        error =
            GetOverlappedResult(device, &pending->overlapped, bytes, FALSE) ? ERROR_SUCCESS : GetLastError();
    }
    CloseHandle(pending->overlapped.hEvent);
    return error;
}

static DWORD call(HANDLE device, DWORD code, void* data, DWORD in, DWORD out, DWORD* bytes) {
    static struct pending pending;
    DWORD error;

    memcpy(pending.buffer, data, in);
    error = begin(device, &pending, code, in, out);
    if (error == ERROR_SUCCESS || error == ERROR_IO_PENDING) {
        error = finish(device, &pending, bytes);
        memcpy(data, pending.buffer, *bytes);
    } else {
        CloseHandle(pending.overlapped.hEvent);
    }
    return error;
}

static DWORD ask(HANDLE device, unsigned int request, void* data, DWORD size) {
    DWORD bytes = 0;
    DWORD error = call(device, COOP_NT_CODE(request), data, size, size, &bytes);

    CHECK(error != ERROR_SUCCESS || bytes == size || bytes == 0);
    return error;
}

static struct coop_host_info tells_what_it_is(HANDLE device) {
    struct coop_version version;
    struct coop_host_info host;

    memset(&version, 0xaa, sizeof(version));
    memset(&host, 0xaa, sizeof(host));
    CHECK(ask(device, COOP_REQUEST_VERSION, &version, sizeof(version)) == ERROR_SUCCESS);
    CHECK(version.ioctl_major == COOP_IOCTL_MAJOR && version.guest_abi_major == COOP_ABI_MAJOR);
    CHECK(memchr(version.build, 0, sizeof(version.build)) && strlen(version.build) > 0);
    CHECK(ask(device, COOP_REQUEST_HOST, &host, sizeof(host)) == ERROR_SUCCESS);
    CHECK(host.cpus >= 1 && host.tsc_khz > 1000 && host.guests == 0);
    printf("build %s, %u CPUs, TSC %llu kHz, features 0x%llx, refusal 0x%x, RAM for guests %llu MiB\n",
           version.build, host.cpus, host.tsc_khz, host.features, host.refusal, host.ram_available >> 20);
    return host;
}

static void refuses_wrong_sizes(HANDLE device) {
    unsigned char data[256] = {0};
    const DWORD right = sizeof(struct coop_version), code = COOP_NT_CODE(COOP_REQUEST_VERSION);
    DWORD bytes;

    CHECK(call(device, code, data, right - 1, right, &bytes) == ERROR_BAD_LENGTH);
    CHECK(call(device, code, data, right, right - 1, &bytes) == ERROR_BAD_LENGTH);
    CHECK(call(device, code, data, right + 1, right, &bytes) == ERROR_BAD_LENGTH);
    CHECK(call(device, code, data, right, right + 1, &bytes) == ERROR_BAD_LENGTH);
    CHECK(call(device, code, data, 0, 0, &bytes) == ERROR_BAD_LENGTH);
}

static void refuses_unknown_requests(HANDLE device) {
    static const DWORD codes[] = {
        COOP_NT_CODE(COOP_REQUEST_COUNT),
        COOP_NT_CODE(COOP_NT_REQUEST_MAP - 1),
        COOP_NT_CODE(COOP_NT_REQUEST_HOST_EVENT + 1),
        COOP_NT_CODE(0) - 4,
        COOP_NT_CODE(COOP_REQUEST_VERSION) ^ 1 << 14,  /* without read access */
        COOP_NT_CODE(COOP_REQUEST_VERSION) ^ 1u << 31, /* another device type */
    };
    unsigned char data[256] = {0};
    unsigned int i;
    DWORD bytes;

    for (i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        CHECK(call(device, codes[i], data, sizeof(struct coop_version), sizeof(struct coop_version),
                   &bytes) == ERROR_INVALID_FUNCTION);
    }
}

static void refuses_without_a_guest(HANDLE device) {
    static const struct {
        unsigned int request;
        DWORD size;
    } rows[] = {
        {COOP_REQUEST_EXTENTS, sizeof(struct coop_extents)},
        {COOP_REQUEST_START, sizeof(struct coop_start)},
        {COOP_REQUEST_RUN, sizeof(struct coop_run)},
        {COOP_REQUEST_NOTIFIER, sizeof(struct coop_notifier_request)},
        {COOP_REQUEST_INTERRUPT, sizeof(struct coop_interrupt)},
        {COOP_REQUEST_STATS, sizeof(struct coop_stats)},
        {COOP_REQUEST_LOG, sizeof(struct coop_log)},
        {COOP_REQUEST_EVENT, sizeof(struct coop_event)},
        {COOP_REQUEST_END, sizeof(struct coop_end)},
        {COOP_NT_REQUEST_MAP, sizeof(struct coop_nt_map)},
    };
    unsigned char data[256] = {0};
    unsigned int i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        CHECK(ask(device, rows[i].request, data, rows[i].size) == ERROR_NOT_READY);
    }
}

static void refuses_guests(HANDLE device) {
    struct coop_create request = {.name = "test", .ram_bytes = 64 << 20, .vcpus = 1};

    CHECK(ask(device, COOP_REQUEST_CREATE, &request, sizeof(request)) == ERROR_NOT_SUPPORTED);
    CHECK(ask(device, COOP_REQUEST_CREATE, &request, sizeof(request)) == ERROR_NOT_SUPPORTED);
}

static DWORD wait_for_host(HANDLE device, struct pending* pending) {
    return begin(device, pending, COOP_NT_CODE(COOP_NT_REQUEST_HOST_EVENT), sizeof(struct coop_nt_host_event),
                 sizeof(struct coop_nt_host_event));
}

static bool still_pends(struct pending* pending) {
    return WaitForSingleObject(pending->overlapped.hEvent, 50) == WAIT_TIMEOUT;
}

static void cancels_one_of_two(HANDLE device) {
    static struct pending first, second;
    DWORD bytes;

    CHECK(wait_for_host(device, &first) == ERROR_IO_PENDING);
    CHECK(wait_for_host(device, &second) == ERROR_IO_PENDING);
    CHECK(still_pends(&first));
    CHECK(CancelIoEx(device, &first.overlapped));
    CHECK(finish(device, &first, &bytes) == ERROR_OPERATION_ABORTED);
    CHECK(still_pends(&second));
    CHECK(CancelIoEx(device, &second.overlapped));
    CHECK(finish(device, &second, &bytes) == ERROR_OPERATION_ABORTED);
}

static void cancels_when_the_handle_goes(void) {
    static struct pending pending;
    HANDLE device = open_name(DEVICE);

    if (CHECK(device != INVALID_HANDLE_VALUE)) {
        CHECK(wait_for_host(device, &pending) == ERROR_IO_PENDING);
        CHECK(still_pends(&pending));
        CloseHandle(device);
        CHECK(WaitForSingleObject(pending.overlapped.hEvent, PATIENCE_MS) == WAIT_OBJECT_0);
        CloseHandle(pending.overlapped.hEvent);
    }
}

#define EXITS_WITH_A_REQUEST L"--exit-with-a-request"
#define LEFT_IT_PENDING 77

static int exit_with_a_request(void) {
    static struct pending pending;
    HANDLE device = open_name(DEVICE);

    if (device == INVALID_HANDLE_VALUE || wait_for_host(device, &pending) != ERROR_IO_PENDING) {
        return 1;
    }
    ExitProcess(LEFT_IT_PENDING);
}

static void outlives_its_processes(HANDLE device) {
    wchar_t command[MAX_PATH + 64];
    STARTUPINFOW startup = {.cb = sizeof(startup)};
    PROCESS_INFORMATION process;
    wchar_t self[MAX_PATH];
    DWORD status = 0;

    GetModuleFileNameW(NULL, self, MAX_PATH);
    swprintf(command, sizeof(command) / sizeof(*command), L"\"%ls\" " EXITS_WITH_A_REQUEST, self);
    if (!CHECK(CreateProcessW(self, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process))) {
        return;
    }
    CHECK(WaitForSingleObject(process.hProcess, PATIENCE_MS) == WAIT_OBJECT_0);
    CHECK(GetExitCodeProcess(process.hProcess, &status) && status == LEFT_IT_PENDING);
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    tells_what_it_is(device);
    cancels_one_of_two(device);
}

static void talks(void) {
    HANDLE device = open_name(DEVICE);
    struct coop_host_info host;

    if (!CHECK(device != INVALID_HANDLE_VALUE)) {
        return;
    }
    CHECK(open_name(DEVICE L"\\within") == INVALID_HANDLE_VALUE);
    host = tells_what_it_is(device);
    refuses_wrong_sizes(device);
    refuses_unknown_requests(device);
    refuses_without_a_guest(device);
    if (host.refusal) {
        refuses_guests(device);
    }
    cancels_one_of_two(device);
    cancels_when_the_handle_goes();
    outlives_its_processes(device);
    CloseHandle(device);
}

static DWORD start(SC_HANDLE service) {
    return StartServiceW(service, 0, NULL) ? ERROR_SUCCESS : GetLastError();
}

static void refuses_bad_settings(SC_HANDLE service) {
    DWORD milliseconds = 99;
    HKEY key;

    if (CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"System\\CurrentControlSet\\Services\\" SERVICE, 0,
                            KEY_SET_VALUE, &key) == ERROR_SUCCESS)) {
        CHECK(RegSetValueExW(key, L"StuckLimitMs", 0, REG_DWORD, (BYTE*)&milliseconds,
                             sizeof(milliseconds)) == ERROR_SUCCESS);
        CHECK(start(service) != ERROR_SUCCESS);
        CHECK(open_name(DEVICE) == INVALID_HANDLE_VALUE);
        RegDeleteValueW(key, L"StuckLimitMs");
        RegCloseKey(key);
    }
}

static void stops(SC_HANDLE service) {
    SERVICE_STATUS status;
    unsigned int waited = 0;

    CHECK(ControlService(service, SERVICE_CONTROL_STOP, &status));
    while (QueryServiceStatus(service, &status) && status.dwCurrentState != SERVICE_STOPPED &&
           waited++ < 100) {
        Sleep(PATIENCE_MS / 100);
    }
    CHECK(status.dwCurrentState == SERVICE_STOPPED);
    CHECK(open_name(DEVICE) == INVALID_HANDLE_VALUE);
}

/* Of a run that was killed. */
static void delete_leftover(SC_HANDLE manager) {
    SC_HANDLE service = OpenServiceW(manager, SERVICE, DELETE);

    if (service) {
        DeleteService(service);
        CloseServiceHandle(service);
    }
}

static void lives(const wchar_t* path) {
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    SC_HANDLE service = NULL;

    if (CHECK(manager)) {
        delete_leftover(manager);
        service =
            CreateServiceW(manager, SERVICE, SERVICE, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER,
                           SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, path, NULL, NULL, NULL, NULL, NULL);
    }
    if (!CHECK(service)) {
        return;
    }
    refuses_bad_settings(service);
    if (CHECK(start(service) == ERROR_SUCCESS)) {
        talks();
        stops(service);
    }
    if (CHECK(start(service) == ERROR_SUCCESS)) { /* again */
        HANDLE device = open_name(DEVICE);

        CHECK(device != INVALID_HANDLE_VALUE);
        CloseHandle(device);
        stops(service);
    }
    CHECK(DeleteService(service));
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
}

int wmain(int count, wchar_t** arguments);

int wmain(int count, wchar_t** arguments) {
    wchar_t path[MAX_PATH];

    setvbuf(stdout, NULL, _IONBF, 0);
    if (count != 2) {
        printf("usage: driver_test.exe PATH_OF_COOP_SYS\n");
        return 2;
    }
    if (wcscmp(arguments[1], EXITS_WITH_A_REQUEST) == 0) {
        return exit_with_a_request();
    }
    if (!GetFullPathNameW(arguments[1], MAX_PATH, path, NULL)) {
        printf("driver_test: no such path: %ls\n", arguments[1]);
        return 2;
    }
    lives(path);
    printf("driver_test: %u failures\n", failures);
    return failures ? 1 : 0;
}
