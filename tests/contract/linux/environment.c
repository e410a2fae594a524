// SPDX-License-Identifier: GPL-2.0-only
/* What the contract suite wants supplied, by Linux: kernel threads, each bound to a CPU. */
#define pr_fmt(text) "coop_contract: " text

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hardirq.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include <asm/apic.h>
#include <asm/hw_irq.h>

#include "contract.h"
#include "environment.h"
#include "shim.h"

static atomic_t failures;

void contract_fail(const char* file, int line, const char* what) {
    atomic_inc(&failures);
    pr_err("%s:%d: failed: %s\n", file, line, what);
}

uint32_t contract_cpus(void) {
    return nr_cpu_ids;
}

uint32_t contract_this_cpu(void) {
    return raw_smp_processor_id();
}

bool contract_interrupts_off(void) {
    return irqs_disabled();
}

bool contract_interrupt_pending(void) {
    return apic->read(APIC_IRR + RESCHEDULE_VECTOR / 32 * 0x10) >> RESCHEDULE_VECTOR % 32 & 1;
}

bool contract_kicks_by_nmi(void) {
    return true;
}

uint64_t contract_nmis(uint32_t cpu) {
    return READ_ONCE(per_cpu(irq_stat.__nmi_count, cpu));
}

const volatile uint8_t* contract_at(uint64_t phys) {
    return pfn_valid(PHYS_PFN(phys)) ? phys_to_virt(phys) : NULL;
}

bool contract_in_image(void) {
    return true;
}

void contract_signal(bool pending) {
    if (pending) {
        send_sig(SIGUSR1, current, 0);
    } else {
        flush_signals(current);
    }
}

struct thread {
    struct task_struct* task;
    void (*function)(void* argument);
    void* argument;
    struct completion done;
};

static int work(void* data) {
    struct thread* thread = data;

    allow_signal(SIGUSR1);
    thread->function(thread->argument);
    complete(&thread->done);
    /* The task must be there for kthread_stop. */
    set_current_state(TASK_IDLE);
    while (!kthread_should_stop()) {
        schedule();
        set_current_state(TASK_IDLE);
    }
    __set_current_state(TASK_RUNNING);
    return 0;
}

static int create(struct thread* thread, unsigned int cpu, void (*function)(void*), void* argument) {
    thread->function = function;
    thread->argument = argument;
    init_completion(&thread->done);
    thread->task = kthread_create(work, thread, "coop_contract/%u", cpu);
    if (IS_ERR(thread->task)) {
        return PTR_ERR(thread->task);
    }
    kthread_bind(thread->task, cpu);
    return 0;
}

static int start(struct thread* thread, unsigned int cpu, void (*function)(void*), void* argument) {
    int status = create(thread, cpu, function, argument);

    if (!status) {
        wake_up_process(thread->task);
    }
    return status;
}

static void join(struct thread* thread) {
    wait_for_completion(&thread->done);
    kthread_stop(thread->task);
}

static struct thread first, second;

bool contract_thread_start(void (*function)(void*), void* argument) {
    unsigned int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());

    return cpu < nr_cpu_ids && start(&second, cpu, function, argument) == 0;
}

void contract_thread_join(void) {
    join(&second);
}

/* The eventfd as its user has it, and as the shim would hand it to the core. */
static struct file* notifier_file;
static struct coop_host_notifier* notifier;

struct coop_host_notifier* contract_notifier_open(void) {
    return xchg(&notifier, NULL);
}

bool contract_notifier_woken(struct coop_host_notifier* unused) {
    u64 count = 0;

    return kernel_read(notifier_file, &count, sizeof(count), NULL) == sizeof(count) && count;
}

void contract_signal_second(void) {
    send_sig(SIGUSR1, second.task, 0);
}

/* Ordinary threads make way for it, at their next yield or, in a preemptible kernel, at once. */
static struct thread rival;
static bool rival_ran;

static void run_rival(void* unused) {
    WRITE_ONCE(rival_ran, true);
}

bool contract_rival_start(void) {
    WRITE_ONCE(rival_ran, false);
    if (create(&rival, raw_smp_processor_id(), run_rival, NULL)) {
        contract_fail(__FILE__, __LINE__, "kthread_create");
        return false;
    }
    sched_set_fifo(rival.task);
    wake_up_process(rival.task);
    return true;
}

bool contract_rival_ran(void) {
    return READ_ONCE(rival_ran);
}

void contract_rival_join(void) {
    join(&rival);
}

static void run_case(void* contract_case) {
    ((void (*)(void))contract_case)();
}

int environment_run(void (*contract_case)(void), unsigned int descriptor) {
    int status;

    notifier_file = fget(descriptor);
    if (!notifier_file) {
        return -EBADF;
    }
    notifier = coop_notifier_open(descriptor);
    if (IS_ERR(notifier)) {
        fput(notifier_file);
        return PTR_ERR(notifier);
    }
    atomic_set(&failures, 0);
    status = start(&first, cpumask_first(cpu_online_mask), run_case, contract_case);
    if (!status) {
        join(&first);
        status = atomic_read(&failures);
    }
    if (notifier) {
        coop_host_notifier_release(notifier);
    }
    fput(notifier_file);
    return status;
}
