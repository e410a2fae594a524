// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred procedure calls: a queue for each CPU, emptied at DISPATCH_LEVEL in a soft interrupt, Linux's
 * nearest relative: interrupts are on, no thread runs, one at a time on a CPU.
 *
 * The CPU gets a hard interrupt by its local APIC, also from itself: with interrupts off it stays pending
 * there, and a world switch's guest leaves for it. As in NT a DPC of low or medium importance for another CPU
 * sends none; it waits for that CPU's next tick.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include "double.h"
#include "dpc.h"

enum { LOW, MEDIUM, HIGH, MEDIUM_HIGH };

struct queue {
    raw_spinlock_t lock;
    struct nt_list head;
    struct irq_work own;       /* from this CPU */
    call_single_data_t remote; /* from another */
    struct timer_list tick;
    struct tasklet_struct soft;
    bool running;
    atomic_t own_due, remote_due, tick_due;
};

static DEFINE_PER_CPU(struct queue, queues);

static void list_remove(struct nt_list* entry) {
    entry->next->previous = entry->previous;
    entry->previous->next = entry->next;
}

static void list_insert(struct nt_list* entry, struct nt_list* after) {
    entry->previous = after;
    entry->next = after->next;
    after->next->previous = entry;
    after->next = entry;
}

static bool is_empty(const struct queue* queue) {
    return READ_ONCE(queue->head.next) == &queue->head;
}

static void interrupt_self(struct queue* queue) {
    if (!atomic_xchg(&queue->own_due, 1)) {
        irq_work_queue(&queue->own);
    }
}

/* Takes the first out; false if there is none. */
static bool next(struct queue* queue, struct nt_dpc* copy, struct nt_dpc** original) {
    unsigned long flags;
    bool any;

    raw_spin_lock_irqsave(&queue->lock, flags);
    any = !is_empty(queue);
    if (any) {
        struct nt_dpc* dpc = container_of(queue->head.next, struct nt_dpc, entry);

        list_remove(&dpc->entry);
        /* From here on it may be queued again, or freed by its own routine. */
        *copy = *dpc;
        *original = dpc;
        WRITE_ONCE(dpc->queue, NULL);
    }
    raw_spin_unlock_irqrestore(&queue->lock, flags);
    if (any) {
        tally_given_back(TALLY_dpcs);
    }
    return any;
}

/* Context: a soft interrupt of the queue's CPU. */
static void empty(struct queue* queue) {
    struct nt_dpc copy, *original;
    u8 level = irql_now();

    if (level >= NT_DISPATCH_LEVEL) {
        /* The driver has raised this CPU by itself. It lowers CR8 unseen, so look again as soon as it goes
         * on. */
        if (!is_empty(queue)) {
            interrupt_self(queue);
        }
        return;
    }
    irql_set(NT_DISPATCH_LEVEL);
    WRITE_ONCE(queue->running, true);
    while (next(queue, &copy, &original)) {
        copy.routine(original, copy.context, copy.arguments[0], copy.arguments[1]);
        if (irql_now() != NT_DISPATCH_LEVEL || irqs_disabled()) {
            double_complaint("the DPC %px ends at level %u, interrupts %s", copy.routine, irql_now(),
                             irqs_disabled() ? "off" : "on");
        }
    }
    /* Whoever sees this and an empty queue knows that all is done. */
    smp_store_release(&queue->running, false);
    irql_set(level);
}

static void come_soft(struct tasklet_struct* soft) {
    empty(container_of(soft, struct queue, soft));
}

static void come_own(struct irq_work* work) {
    struct queue* queue = container_of(work, struct queue, own);

    atomic_set(&queue->own_due, 0);
    tasklet_hi_schedule(&queue->soft);
}

static void come_remote(void* data) {
    struct queue* queue = data;

    atomic_set(&queue->remote_due, 0);
    tasklet_hi_schedule(&queue->soft);
}

static void come_by_tick(struct timer_list* timer) {
    struct queue* queue = container_of(timer, struct queue, tick);

    atomic_set(&queue->tick_due, 0);
    tasklet_hi_schedule(&queue->soft);
}

void dpc_load(void) {
    unsigned int cpu;

    for_each_possible_cpu(cpu) {
        struct queue* queue = per_cpu_ptr(&queues, cpu);

        raw_spin_lock_init(&queue->lock);
        queue->head.next = queue->head.previous = &queue->head;
        init_irq_work(&queue->own, come_own);
        INIT_CSD(&queue->remote, come_remote, queue);
        timer_setup(&queue->tick, come_by_tick, TIMER_PINNED);
        tasklet_setup(&queue->soft, come_soft);
    }
}

static void interrupt(struct queue* queue, unsigned int cpu) {
    if (cpu == smp_processor_id()) {
        interrupt_self(queue);
    } else if (!atomic_xchg(&queue->remote_due, 1)) {
        smp_call_function_single_async(cpu, &queue->remote);
    }
}

NT_EXPORT(void, KeFlushQueuedDpcs, void) {
    unsigned int cpu;

    if (irql_now() != NT_PASSIVE_LEVEL || irqs_disabled()) {
        double_complaint("KeFlushQueuedDpcs at level %u, interrupts %s", irql_now(),
                         irqs_disabled() ? "off" : "on");
        return;
    }
    for_each_online_cpu(cpu) {
        struct queue* queue = per_cpu_ptr(&queues, cpu);

        while (!is_empty(queue) || smp_load_acquire(&queue->running)) {
            preempt_disable();
            interrupt(queue, cpu);
            preempt_enable();
            usleep_range(10, 50);
        }
    }
}

void dpc_unload(void) {
    unsigned int cpu;

    nt_KeFlushQueuedDpcs();
    for_each_possible_cpu(cpu) {
        struct queue* queue = per_cpu_ptr(&queues, cpu);

        irq_work_sync(&queue->own);
        del_timer_sync(&queue->tick);
        tasklet_kill(&queue->soft);
    }
}

NT_EXPORT(void, KeInitializeDpc, struct nt_dpc* dpc,
          void(NT_CALL* routine)(struct nt_dpc*, void*, void*, void*), void* context) {
    *dpc = (struct nt_dpc){.type = 19, .importance = MEDIUM, .routine = routine, .context = context};
}

NT_EXPORT(void, KeSetImportanceDpc, struct nt_dpc* dpc, int32_t importance) {
    dpc->importance = importance;
}

NT_EXPORT(void, KeSetTargetProcessorDpc, struct nt_dpc* dpc, int8_t cpu) {
    dpc->target = NT_DPC_TARGETED + (u8)cpu;
}

NT_EXPORT(int32_t, KeSetTargetProcessorDpcEx, struct nt_dpc* dpc, const struct nt_processor* processor) {
    if (processor->group || processor->number >= nr_cpu_ids) {
        return NT_INVALID_PARAMETER;
    }
    dpc->target = NT_DPC_TARGETED + processor->number;
    return NT_SUCCESS;
}

bool dpc_queue(struct nt_dpc* dpc, void* first, void* second) {
    struct queue* queue;
    unsigned int cpu, here;
    unsigned long flags;
    bool fresh;

    local_irq_save(flags);
    here = smp_processor_id();
    cpu = dpc->target >= NT_DPC_TARGETED ? dpc->target - NT_DPC_TARGETED : here;
    if (cpu >= nr_cpu_ids || !cpu_online(cpu)) {
        double_complaint("a DPC for CPU %u, which there is not", cpu);
        cpu = here;
    }
    queue = per_cpu_ptr(&queues, cpu);
    raw_spin_lock(&queue->lock);
    fresh = !cmpxchg(&dpc->queue, NULL, queue);
    if (fresh) {
        dpc->arguments[0] = first;
        dpc->arguments[1] = second;
        list_insert(&dpc->entry, dpc->importance == HIGH ? &queue->head : queue->head.previous);
        tally_taken(TALLY_dpcs);
    }
    raw_spin_unlock(&queue->lock);
    if (fresh && (cpu == here || dpc->importance >= HIGH)) {
        interrupt(queue, cpu);
    } else if (fresh && !atomic_xchg(&queue->tick_due, 1)) {
        queue->tick.expires = jiffies + 1;
        add_timer_on(&queue->tick, cpu);
    }
    local_irq_restore(flags);
    return fresh;
}

NT_EXPORT(uint8_t, KeInsertQueueDpc, struct nt_dpc* dpc, void* first, void* second) {
    bool fresh = dpc_queue(dpc, first, second);

    vectors_spoil();
    return fresh;
}

NT_EXPORT(uint8_t, KeRemoveQueueDpc, struct nt_dpc* dpc) {
    struct queue* queue = READ_ONCE(dpc->queue);
    unsigned long flags;
    bool removed = false;

    if (!queue) {
        return false;
    }
    raw_spin_lock_irqsave(&queue->lock, flags);
    if (dpc->queue == queue) {
        list_remove(&dpc->entry);
        WRITE_ONCE(dpc->queue, NULL);
        removed = true;
        tally_given_back(TALLY_dpcs);
    }
    raw_spin_unlock_irqrestore(&queue->lock, flags);
    return removed;
}
