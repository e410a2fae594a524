// SPDX-License-Identifier: GPL-2.0-only
/* What the contract suite wants supplied, by NT: system threads, each bound to a CPU. */
#include "environment.h"

#include "contract.h"
#include "interrupts.h"
#include "shim.h"

#define MOST_CPUS 64

static volatile LONG failures;

void contract_fail(const char* file, int line, const char* what) {
    InterlockedIncrement(&failures);
    DbgPrint("%s:%d: failed: %s\n", file, line, what);
}

uint32_t contract_cpus(void) {
    return coop_processor_count();
}

uint32_t contract_this_cpu(void) {
    return coop_processor_current();
}

bool contract_interrupts_off(void) {
    return coop_cpu_interrupts_off();
}

bool contract_interrupt_pending(void) {
    return interrupts_kick_pending();
}

bool contract_in_image(void) {
    return true;
}

/* --- NMIs --- */

static volatile LONG64 nmis[MOST_CPUS];
static PVOID nmi_registration;

static BOOLEAN NTAPI count_nmi(PVOID context, BOOLEAN handled) {
    uint32_t cpu = coop_processor_current();

    UNREFERENCED_PARAMETER(context);
    if (cpu < MOST_CPUS) {
        InterlockedIncrement64(&nmis[cpu]);
    }
    return handled;
}

bool contract_kicks_by_nmi(void) {
    return coop_nmi_possible();
}

uint64_t contract_nmis(uint32_t cpu) {
    return cpu < MOST_CPUS ? nmis[cpu] : 0;
}

/* --- Physical memory: a mapping of its own, kept until the next is asked for --- */

static struct {
    MDL mdl;
    PFN_NUMBER frame;
    PVOID address;
} window;

static void close_window(void) {
    if (window.address) {
        MmUnmapLockedPages(window.address, &window.mdl);
        window.address = NULL;
    }
}

const volatile uint8_t* contract_at(uint64_t phys) {
    close_window();
    MmInitializeMdl(&window.mdl, NULL, PAGE_SIZE);
    window.mdl.MdlFlags |= MDL_PAGES_LOCKED;
    *MmGetMdlPfnArray(&window.mdl) = phys >> PAGE_SHIFT;
    window.address =
        MmMapLockedPagesSpecifyCache(&window.mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    return window.address ? (uint8_t*)window.address + phys % PAGE_SIZE : NULL;
}

/* --- Threads --- */

struct thread {
    PVOID object; /* NULL: not started */
    uint32_t cpu;
    void (*function)(void* argument);
    void* argument;
    struct coop_call* call; /* as a request of user space has it */
};

static VOID NTAPI work(PVOID context) {
    struct thread* thread = context;

    if (coop_processor_count() > 1) { /* ReactOS's KeFlushQueuedDpcs takes no thread that is bound so */
        KeSetSystemAffinityThread((KAFFINITY)1 << thread->cpu);
    }
    thread->call = coop_call_begin(NULL, NULL);
    if (thread->call) {
        thread->function(thread->argument);
    } else {
        contract_fail(__FILE__, __LINE__, "coop_call_begin");
    }
    if (thread->call) {
        coop_call_end(thread->call);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS start(struct thread* thread, uint32_t cpu, void (*function)(void*), void* argument) {
    OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;
    HANDLE handle;

    *thread = (struct thread){.cpu = cpu, .function = function, .argument = argument};
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    status = PsCreateSystemThread(&handle, SYNCHRONIZE, &attributes, NULL, NULL, work, thread);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = ObReferenceObjectByHandle(handle, SYNCHRONIZE, NULL, KernelMode, &thread->object, NULL);
    ZwClose(handle);
    return status;
}

static void join(struct thread* thread) {
    KeWaitForSingleObject(thread->object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread->object);
}

static struct thread first, second;

bool contract_thread_start(void (*function)(void*), void* argument) {
    uint32_t cpus = coop_processor_count();

    return cpus > 1 && NT_SUCCESS(start(&second, (coop_processor_current() + 1) % cpus, function, argument));
}

void contract_thread_join(void) {
    join(&second);
}

/* What was asked to end stays so: another takes its place. */
void contract_signal(bool pending) {
    if (pending && first.call) {
        coop_call_interrupt(first.call);
    } else if (first.call) {
        coop_call_end(first.call);
        first.call = coop_call_begin(NULL, NULL);
    }
}

void contract_signal_second(void) {
    coop_call_interrupt(second.call);
}

/* NT switches at once. */
bool contract_rival_start(void) {
    return false;
}

bool contract_rival_ran(void) {
    return true;
}

void contract_rival_join(void) {}

/* --- The notifier: the event as its user has it, and as the shim would hand it to the core --- */

static PKEVENT event;
static struct coop_host_notifier* notifier;

struct coop_host_notifier* contract_notifier_open(void) {
    return InterlockedExchangePointer((PVOID*)&notifier, NULL);
}

bool contract_notifier_woken(struct coop_host_notifier* unused) {
    UNREFERENCED_PARAMETER(unused);
    return KeResetEvent(event) != 0;
}

/* --- A case --- */

static void run_case(void* contract_case) {
    ((void (*)(void))contract_case)();
    close_window();
}

static NTSTATUS run_in_thread(void (*contract_case)(void)) {
    NTSTATUS status = start(&first, 0, run_case, (void*)(ULONG_PTR)contract_case);

    if (NT_SUCCESS(status)) {
        join(&first);
    }
    return status;
}

int32_t environment_run(void (*contract_case)(void), uint64_t handle) {
    NTSTATUS status = ObReferenceObjectByHandle((HANDLE)(ULONG_PTR)handle, EVENT_MODIFY_STATE,
                                                COOP_EVENT_TYPE, UserMode, (PVOID*)&event, NULL);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = coop_notifier_open(handle, &notifier);
    if (NT_SUCCESS(status)) {
        KeResetEvent(event);
        failures = 0;
        status = run_in_thread(contract_case);
        if (notifier) {
            coop_host_notifier_release(notifier);
        }
    }
    ObDereferenceObject(event);
    return NT_SUCCESS(status) ? failures : status;
}

static int interrupts_loaded;

static void load_interrupts(void) {
    interrupts_loaded = interrupts_load();
}

static int load_nmis(void) {
    if (!coop_nmi_possible()) {
        return 0;
    }
    nmi_registration = KeRegisterNmiCallback(count_nmi, NULL);
    return nmi_registration ? 0 : -COOP_E_NO_MEMORY;
}

static void unload_nmis(void) {
    if (nmi_registration) {
        KeDeregisterNmiCallback(nmi_registration);
    }
}

int environment_load(void) {
    int error = load_nmis();

    if (error) {
        return error;
    }
    /* In a thread that stays on its CPU: it waits for another on the other one without giving its own away.
     */
    if (!NT_SUCCESS(run_in_thread(load_interrupts)) || interrupts_loaded) {
        unload_nmis();
        return -COOP_E_NO_MEMORY;
    }
    return 0;
}

void environment_unload(void) {
    interrupts_unload();
    unload_nmis();
}
