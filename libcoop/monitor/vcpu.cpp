// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/vcpu.hpp"

#include "monitor/core_state.hpp"
#include "monitor/guest.hpp"

#include <algorithm>

namespace coop {

namespace {

std::atomic_ref<coop_u64> shared(coop_u64& field) {
    return std::atomic_ref<coop_u64>{field};
}

constexpr std::uint64_t negative(int error) {
    return static_cast<std::uint64_t>(-static_cast<std::int64_t>(error));
}

} // namespace

Result<Owned<Vcpu>> Vcpu::create(Guest& guest, std::uint32_t index, FrameLedger& ledger,
                                 WorldShared& shared_world) {
    World world = COOP_TRY(World::create(ledger, shared_world, index));
    Owned<Vcpu> vcpu = COOP_TRY(make_owned<Vcpu>(guest, index, std::move(world)));
    vcpu->event_ = Event{coop_host_event_create()};
    vcpu->timer_ = Timer{coop_host_timer_create(on_timer, vcpu.get())};
    if (!vcpu->event_ || !vcpu->timer_)
        return Error{COOP_E_NO_MEMORY};
    return vcpu;
}

void Vcpu::start(coop_vcpu_page* page, Physical entry, Physical boot_params) {
    world_.set_start(entry, boot_params);
    page_ = page;
}

void Vcpu::on_timer(void* self) {
    static_cast<Vcpu*>(self)->raise(COOP_EVENT_TIMER);
}

void Vcpu::raise(std::uint64_t events) {
    // Bits that are set already have been announced.
    if ((shared(page_->pending).fetch_or(events) & events) != events)
        wake();
}

void Vcpu::raise_device(std::uint32_t device) {
    shared(page_->devices).fetch_or(1ull << device);
    raise(COOP_EVENT_DEVICE);
}

void Vcpu::wake() {
    coop_host_event_signal(event_.get());
    // Pairs with run_section: it publishes its CPU, then looks for events; we set events, then look for its
    // CPU.
    const std::uint32_t cpu = cpu_.load();
    if (cpu != no_cpu)
        coop_host_kick(cpu);
}

bool Vcpu::has_events() const {
    return shared(page_->pending).load() != 0;
}

int Vcpu::run() {
    if (running_.exchange(true))
        return -COOP_E_BUSY;
    int status = 0;
    while (status == 0 && !guest_.ended()) {
        switch (run_section()) {
        case Next::wait:
            status = wait();
            break;
        case Next::yield:
        case Next::again:
            if (coop_host_yield())
                status = -COOP_E_INTERRUPTED;
            break;
        }
    }
    running_.store(false);
    return guest_.ended() ? 0 : status;
}

int Vcpu::wait() {
    const std::uint64_t since = coop_host_time_ns();
    int status = 0;
    while (status == 0 && !has_events() && !guest_.ended())
        status = coop_host_event_wait(event_.get());
    stats_.wait_ns.add(coop_host_time_ns() - since);
    return status;
}

// Enters until the guest leaves for something that needs the host; what else than a doorbell that was goes to
// `last`. The hot path, and flat: in the kernel it is one function with the switch in its middle.
[[gnu::flatten]] Vcpu::Next Vcpu::answer_doorbells(Exit& last) {
    const std::atomic_ref<coop_u64> pending = shared(page_->pending);
    Next next = Next::again;
    unsigned rounds = 0;
    while (next == Next::again && rounds < fast_doorbells) {
        if (pending.load() != 0) [[unlikely]]
            prepare_events();
        const Exit exit = world_.enter();
        ++rounds;
        if (exit.kind != Exit::Kind::doorbell) {
            last = exit;
            break;
        }
        next = handle_doorbell();
    }
    stats_.switches.add(rounds);
    return next;
}

// One critical section: the CPU is the guest's until other host code must run.
Vcpu::Next Vcpu::run_section() {
    const std::uint32_t cpu = coop_host_critical_begin();
    cpu_.store(cpu);
    coop_host_guest_time_begin();
    world_.load_guest();
    const std::uint64_t begin = read_tsc();
    core_state.cpu_slots.entered(cpu, begin - masked_ticks_);
    account_steal(begin);

    Next next = Next::again;
    Exit exit{Exit::Kind::doorbell, 0};
    // Who ends the guest from now on sees our CPU and kicks it.
    if (!guest_.ended())
        next = answer_doorbells(exit);

    const bool evicted = core_state.cpu_slots.left(cpu);
    const std::uint64_t end = read_tsc();
    stats_.guest_ticks.add(end - begin);
    // An NMI ends the stay, but must not help a guest that keeps interrupts off to another whole one: hosts
    // have periodic NMIs.
    const bool masked = exit.kind == Exit::Kind::handled && !world_.interrupts_enabled();
    masked_ticks_ = masked ? masked_ticks_ + (end - begin) : 0;
    ready_since_ = next == Next::wait ? 0 : end;
    world_.load_host();
    switch (exit.kind) {
    case Exit::Kind::interrupt:
        stats_.interrupts.add();
        // NT may switch threads in there, and we go on on another CPU; what follows works on any.
        world_.reraise(exit.vector);
        break;
    case Exit::Kind::exception:
        end_with_fault(COOP_END_EXCEPTION, exit.vector);
        break;
    case Exit::Kind::bad_state:
        end_with_fault(COOP_END_BAD_STATE, exit.vector);
        break;
    case Exit::Kind::doorbell:
    case Exit::Kind::handled:
        break;
    }
    if (evicted && !world_.interrupts_enabled())
        end_with_fault(COOP_END_STUCK, 0);
    coop_host_guest_time_end();
    cpu_.store(no_cpu);
    coop_host_critical_end();
    return next;
}

// What the guest could have run since it left, had the host not used the CPU.
void Vcpu::account_steal(std::uint64_t now) {
    if (ready_since_ == 0 || now <= ready_since_)
        return;
    stolen_ticks_ += now - ready_since_;
    shared(page_->steal_ns).store(core_state.clock.to_ns(stolen_ticks_), std::memory_order_relaxed);
}

void Vcpu::end_with_fault(std::uint32_t reason, std::uint64_t detail) {
    guest_.end(reason, detail, world_.rip(), world_.fault_address());
}

// Out of the hot path, which is flat.
[[gnu::noinline]] void Vcpu::prepare_events() {
    if (!world_.interrupts_enabled()) {
        // Back from its wait, it looks by itself.
        if (world_.left_by_doorbell() && world_.doorbell().reason == COOP_DOORBELL_WAIT)
            return;
        // Its next STI lets this interrupt in, the guest leaves, and the events go in on the way back.
        coop_host_interrupt_self();
        stats_.self_interrupts.add();
        return;
    }
    const std::uint64_t upcall = shared(page_->upcall_va).load(std::memory_order_relaxed);
    if (upcall == 0)
        return;
    if (!world_.inject(upcall, shared(page_->entry_stack_va).load(std::memory_order_relaxed))) {
        // Its interrupts are on: the kick of its end makes it leave.
        constexpr std::uint64_t general_protection = 13;
        end_with_fault(COOP_END_BAD_STATE, general_protection);
        return;
    }
    stats_.injected.add();
}

Vcpu::Next Vcpu::handle_doorbell() {
    const Doorbell doorbell = world_.doorbell();
    const auto& [first, second, third] = doorbell.arguments;
    std::uint64_t result = 0;
    Next next = Next::again;

    stats_.doorbells[std::min<std::uint64_t>(doorbell.reason, stats_.doorbells.size() - 1)].add();
    switch (doorbell.reason) {
    case COOP_DOORBELL_WAIT:
        next = has_events() ? Next::again : Next::wait;
        break;
    case COOP_DOORBELL_TIMER:
        result = arm_timer(first);
        break;
    case COOP_DOORBELL_NOTIFY:
        result = guest_.notify(first, second) ? 0 : negative(COOP_E_NO_DEVICE);
        break;
    case COOP_DOORBELL_YIELD:
        next = Next::yield;
        break;
    case COOP_DOORBELL_LOG:
        guest_.log({page_->log, std::min<std::size_t>(first, COOP_LOG_BYTES)});
        next = Next::yield; // a kernel's early messages all come with interrupts off
        break;
    case COOP_DOORBELL_END:
        guest_.end(first >= COOP_END_POWEROFF && first <= COOP_END_PANIC ? first : COOP_END_PANIC, 0,
                   world_.rip(), 0);
        next = Next::yield;
        break;
    case COOP_DOORBELL_SEND:
        result = guest_.send(first, second) ? 0 : negative(COOP_E_INVALID);
        break;
    default:
        result = negative(COOP_E_NOT_SUPPORTED);
        break;
    }
    world_.set_result(result);
    return next;
}

std::uint64_t Vcpu::arm_timer(std::uint64_t deadline) {
    if (deadline == 0) {
        coop_host_timer_cancel(timer_.get());
        return 0;
    }
    const std::uint64_t now = read_tsc();
    // A deadline in the past fires at once; one beyond the host's range as late as the host can.
    constexpr std::uint64_t longest_ns = 1ull << 60;
    const std::uint64_t delay = deadline > now ? core_state.clock.to_ns(deadline - now) : 0;
    coop_host_timer_arm(timer_.get(), std::min(delay, longest_ns));
    return 0;
}

} // namespace coop
