// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the contract suite in this NT kernel: loads the driver that it is (tests/nt/contract), asks for each
 * case, removes the driver.
 *
 * Usage: contract_test.exe PATH_OF_DRIVER
 */
#include <windows.h>

#include <stdio.h>

#include "request.h"

#define SERVICE L"coop_contract"
#define DEVICE L"\\\\.\\coop_contract"

static const char* const cases[] = {
#define CONTRACT_CASE(name) #name,
#include "contract.def"
};
#define CASES (sizeof(cases) / sizeof(*cases))

static int fail(const char* what) {
    printf("contract_test: %s: error %lu\n", what, GetLastError());
    return 1;
}

static int run_cases(void) {
    HANDLE device = CreateFileW(DEVICE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                                FILE_ATTRIBUTE_NORMAL, NULL);
    HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
    unsigned int number, failed = 0;

    if (device == INVALID_HANDLE_VALUE || !event) {
        return fail("cannot open the device");
    }
    for (number = 0; number < CASES; number++) {
        struct contract_request request = {.event = (uintptr_t)event, .number = number};
        DWORD bytes;

        if (!DeviceIoControl(device, CONTRACT_RUN, &request, sizeof(request), &request, sizeof(request),
                             &bytes, NULL)) {
            return fail(cases[number]);
        }
        printf("%s %s (%d)\n", request.failed ? "not ok" : "ok", cases[number], (int)request.failed);
        failed += request.failed != 0;
    }
    CloseHandle(event);
    CloseHandle(device);
    printf("contract_test: %u cases, %u failed\n", (unsigned int)CASES, failed);
    return failed != 0;
}

int wmain(int count, wchar_t** arguments);

int wmain(int count, wchar_t** arguments) {
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    SC_HANDLE service = NULL;
    SERVICE_STATUS status;
    int result;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (count != 2) {
        printf("usage: contract_test.exe PATH_OF_DRIVER\n");
        return 2;
    }
    if (manager) {
        service = CreateServiceW(manager, SERVICE, SERVICE, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER,
                                 SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, arguments[1], NULL, NULL, NULL,
                                 NULL, NULL);
    }
    if (!service) {
        return fail("cannot install the driver");
    }
    result = StartServiceW(service, 0, NULL) ? run_cases() : fail("cannot start the driver");
    if (!ControlService(service, SERVICE_CONTROL_STOP, &status) && !result) {
        result = fail("cannot stop the driver");
    }
    DeleteService(service);
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return result;
}
