// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes, as far as a driver sees them: an object for each address space that has spoken to it. The end of
 * the address space is the end of the process, and who asked for it is told while it still stands.
 */
#include "process.h"

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "double.h"

struct process {
    struct list_head entry;
    struct mmu_notifier notifier;
    struct mm_struct* mm;      /* NULL: it has ended */
    struct task_struct* maker; /* until its first request goes on */
    u64 id;
};

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(processes);
static void* the_system; /* of kernel threads */

typedef void(NT_CALL* notify_routine)(uint64_t parent, uint64_t process, uint8_t create);
static notify_routine notify;

static void destroy(void* body) {
    struct process* process = body;

    spin_lock_bh(&lock);
    list_del(&process->entry);
    spin_unlock_bh(&lock);
}

static struct process* make(u64 id) {
    struct process* process = object_new(OBJECT_PROCESS, sizeof(*process), destroy);

    if (process) {
        process->id = id;
        spin_lock_bh(&lock);
        list_add(&process->entry, &processes);
        spin_unlock_bh(&lock);
    }
    return process;
}

static struct mmu_notifier* begin(struct mm_struct* mm) {
    struct process* process = make(task_tgid_nr(current));

    if (!process) {
        return ERR_PTR(-ENOMEM);
    }
    process->mm = mm;
    process->maker = current;
    return &process->notifier;
}

/* A process that has given up its address space, as the last part of its end, is known by its number. */
static struct process* find(void) {
    struct process* process;

    list_for_each_entry(process, &processes, entry) {
        if (current->mm ? process->mm == current->mm : process->id == task_tgid_nr(current)) {
            return process;
        }
    }
    return NULL;
}

/* In the driver's KAPC_STATE. */
struct attachment {
    struct list_head entry;
    struct task_struct* task;
    void* process;
};

static LIST_HEAD(attachments); /* the newest first */

void* process_current(void) {
    struct attachment* attachment;
    void* process = NULL;

    spin_lock_bh(&lock);
    list_for_each_entry(attachment, &attachments, entry) {
        if (attachment->task == current) {
            process = attachment->process;
            break;
        }
    }
    if (!process && !(current->flags & PF_KTHREAD)) {
        process = find();
    }
    spin_unlock_bh(&lock);
    return process ?: the_system;
}

/* Its memory is not switched: only mapping.c asks which process is current. */
NT_EXPORT(void, KeStackAttachProcess, void* process, struct attachment* state) {
    *state = (struct attachment){.task = current, .process = process};
    spin_lock_bh(&lock);
    list_add(&state->entry, &attachments);
    spin_unlock_bh(&lock);
}

NT_EXPORT(void, KeUnstackDetachProcess, struct attachment* state) {
    spin_lock_bh(&lock);
    list_del(&state->entry);
    spin_unlock_bh(&lock);
}

/* Told in the process that ends, though Linux's thread may have left it already. */
static void end(struct mmu_notifier* notifier, struct mm_struct* mm) {
    struct process* process = container_of(notifier, struct process, notifier);
    notify_routine routine = READ_ONCE(notify);
    struct attachment state;

    if (routine) {
        nt_KeStackAttachProcess(process, &state);
        routine(0, process->id, false);
        nt_KeUnstackDetachProcess(&state);
    }
    WRITE_ONCE(process->mm, NULL);
    mmu_notifier_put(notifier);
}

static void forget(struct mmu_notifier* notifier) {
    object_put(container_of(notifier, struct process, notifier));
}

static const struct mmu_notifier_ops operations = {
    .alloc_notifier = begin, .release = end, .free_notifier = forget};

/* Linux gives up for a signal, which is nobody's wish here. */
static struct mmu_notifier* get(bool mmap_locked) {
    struct mmu_notifier* notifier;
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    notifier = mmap_locked ? mmu_notifier_get_locked(&operations, current->mm)
                           : mmu_notifier_get(&operations, current->mm);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return notifier;
}

int process_admit(bool mmap_locked) {
    struct mmu_notifier* notifier;
    struct process* process;

    spin_lock_bh(&lock);
    process = find();
    spin_unlock_bh(&lock);
    if (process) {
        return 0;
    }
    notifier = get(mmap_locked);
    if (IS_ERR(notifier)) {
        return PTR_ERR(notifier);
    }
    /* The maker's reference is the address space's own, which end() gives back; who came at the same time has
     * one too many. */
    process = container_of(notifier, struct process, notifier);
    if (cmpxchg(&process->maker, current, NULL) != current) {
        mmu_notifier_put(notifier);
    }
    return 0;
}

int process_load(void) {
    the_system = make(4);
    return the_system ? 0 : -ENOMEM;
}

/* Those that still run are no longer of interest. */
void process_unload(void) {
    struct process* process;
    bool found;

    do {
        found = false;
        spin_lock_bh(&lock);
        list_for_each_entry(process, &processes, entry) {
            if (process->mm) {
                process->mm = NULL;
                found = true;
                break;
            }
        }
        spin_unlock_bh(&lock);
        if (found) {
            mmu_notifier_put(&process->notifier);
        }
    } while (found);
    mmu_notifier_synchronize();
    object_put(the_system);
}

NT_EXPORT(void*, IoGetCurrentProcess, void) {
    return process_current();
}

NT_EXPORT(void*, PsGetCurrentProcess, void) {
    return process_current();
}

NT_EXPORT(uint64_t, PsGetProcessId, const struct process* process) {
    return process->id;
}

NT_EXPORT(uint64_t, PsGetCurrentProcessId, void) {
    return ((struct process*)process_current())->id;
}

NT_EXPORT(int32_t, PsSetCreateProcessNotifyRoutine, notify_routine routine, uint8_t remove) {
    if (remove) {
        if (cmpxchg(&notify, routine, NULL) != routine) {
            return NT_INVALID_PARAMETER;
        }
        tally_given_back(TALLY_routines);
        return NT_SUCCESS;
    }
    if (cmpxchg(&notify, NULL, routine)) {
        double_complaint("a second process notify routine is not modelled");
        return NT_INVALID_PARAMETER;
    }
    tally_taken(TALLY_routines);
    return NT_SUCCESS;
}
