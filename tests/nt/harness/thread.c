// SPDX-License-Identifier: GPL-2.0-only
/* System threads, and what a thread says of itself. */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "double.h"

struct thread {
    struct nt_dispatcher header; /* signalled when it has ended */
    struct task_struct* task;
    void(NT_CALL* start)(void* context);
    void* context;
};

/* It has left the driver and the double when the task is gone. */
static void destroy(void* body) {
    struct thread* thread = body;

    if (thread->task) {
        kthread_stop(thread->task);
        put_task_struct(thread->task);
    }
    tally_given_back(TALLY_threads);
}

static void __noreturn finish(struct thread* thread) {
    dispatcher_signal(&thread->header);
    /* Stay until the last reference is gone: the task must be there to be waited for. */
    set_current_state(TASK_IDLE);
    while (!kthread_should_stop()) {
        schedule();
        set_current_state(TASK_IDLE);
    }
    __set_current_state(TASK_RUNNING);
    kthread_complete_and_exit(NULL, 0);
}

static int work(void* data) {
    struct thread* thread = data;

    thread->start(thread->context);
    finish(thread);
}

NT_EXPORT(int32_t, PsCreateSystemThread, uint64_t* handle, uint32_t access, void* attributes,
          uint64_t process, void* client, void(NT_CALL* start)(void*), void* context) {
    struct thread* thread = object_new(OBJECT_THREAD, sizeof(*thread), destroy);
    struct task_struct* task;

    if (!thread) {
        return NT_INSUFFICIENT_RESOURCES;
    }
    tally_taken(TALLY_threads);
    dispatcher_init(&thread->header, NT_THREAD, false);
    thread->start = start;
    thread->context = context;
    task = kthread_create(work, thread, "nt");
    *handle = IS_ERR(task) ? 0 : handle_new(thread);
    if (*handle) {
        thread->task = get_task_struct(task);
        wake_up_process(task);
    } else if (!IS_ERR(task)) {
        kthread_stop(task);
    }
    object_put(thread);
    return *handle ? NT_SUCCESS : NT_INSUFFICIENT_RESOURCES;
}

NT_EXPORT(int32_t, PsTerminateSystemThread, int32_t status) {
    if (!(current->flags & PF_KTHREAD)) {
        return NT_INVALID_PARAMETER;
    }
    finish(kthread_data(current));
}

static u64 allow(u64 mask) {
    u64 before = cpumask_bits(current->cpus_ptr)[0];

    if (mask) {
        set_cpus_allowed_ptr(current, to_cpumask((unsigned long*)&mask));
    }
    return before;
}

NT_EXPORT(void, KeSetSystemAffinityThread, uint64_t mask) {
    allow(mask & cpumask_bits(cpu_online_mask)[0]);
}

NT_EXPORT(void, KeSetSystemGroupAffinityThread, const struct nt_affinity* affinity,
          struct nt_affinity* before) {
    u64 mask = allow(affinity->mask);

    if (before) {
        *before = (struct nt_affinity){.mask = mask};
    }
}

NT_EXPORT(void, KeRevertToUserGroupAffinityThread, const struct nt_affinity* before) {
    allow(before->mask);
}

/* Any pointer serves: threads of user space are only asked whether they are to end. */
NT_EXPORT(void*, PsGetCurrentThread, void) {
    return current;
}

/* In Linux's terms: a signal that kills has come. */
NT_EXPORT(uint8_t, PsIsThreadTerminating, const void* thread) {
    return fatal_signal_pending(current);
}

NT_EXPORT(int32_t, ZwYieldExecution, void) {
    cond_resched();
    return NT_SUCCESS;
}
