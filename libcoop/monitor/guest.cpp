// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/guest.hpp"

#include "base/assert.hpp"
#include "monitor/core_state.hpp"

namespace coop {

namespace {

constexpr std::uint64_t events_between_vcpus =
    COOP_EVENT_RESCHEDULE | COOP_EVENT_CALL | COOP_EVENT_CALL_SINGLE | COOP_EVENT_STOP;

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

// NUL-terminated and of the allowed characters.
bool is_name(const char (&name)[COOP_NAME_BYTES]) {
    std::size_t length = 0;
    while (length < COOP_NAME_BYTES && is_name_character(name[length]))
        ++length;
    return length > 0 && length < COOP_NAME_BYTES && name[length] == '\0';
}

} // namespace

Result<Owned<Guest>> Guest::create(const coop_create& request) {
    if (!is_name(request.name) || request.vcpus == 0 || request.vcpus > COOP_MAX_VCPUS ||
        request.reserved != 0)
        return Error{COOP_E_INVALID};
    // The ABI has room for more, the run loop too; starting them is not there yet.
    if (request.vcpus > 1)
        return Error{COOP_E_NOT_SUPPORTED};

    Owned<Guest> guest = COOP_TRY(make_owned<Guest>());
    __builtin_memcpy(guest->name_, request.name, sizeof guest->name_);
    guest->setup_mutex_ = Mutex{coop_host_mutex_create()};
    if (!guest->setup_mutex_)
        return Error{COOP_E_NO_MEMORY};
    return guest;
}

Status Guest::take(const coop_create& request) {
    if (Status s = memory_.take(request.ram_bytes, request.runs); !s)
        return s;
    shared_ = Shared{COOP_TRY(world_shared_create(ledger_, memory_))};
    for (; vcpu_count_ < request.vcpus; ++vcpu_count_)
        vcpus_[vcpu_count_] = COOP_TRY(Vcpu::create(*this, vcpu_count_, ledger_, *shared_));
    return ok;
}

Guest::~Guest() {
    for (Owned<Vcpu>& vcpu : vcpus_)
        vcpu.reset();
    shared_.reset();
    memory_.give_back();
    COOP_ASSERT(ledger_.frames() == 0);
}

Status Guest::start(const coop_start& request) {
    MutexLock lock{setup_mutex_};
    if (started_)
        return Error{COOP_E_BUSY};
    const Physical shared_at{request.shared_gpa};
    const void* mapped = memory_.checked(shared_at, sizeof(coop_shared));
    if (!mapped || !is_aligned(request.shared_gpa, alignof(coop_shared)))
        return Error{COOP_E_INVALID};
    // One copy: the process can still write to the guest's RAM.
    coop_shared shared;
    __builtin_memcpy(&shared, mapped, sizeof shared);
    const std::uint64_t vcpu_end = shared.vcpu_offset + std::uint64_t{page_bytes} * vcpu_count_;
    if (shared.magic != COOP_SHARED_MAGIC || shared.abi_major != COOP_ABI_MAJOR ||
        shared.vcpus != vcpu_count_ || shared.devices > COOP_MAX_DEVICES || vcpu_end > shared.size ||
        !is_aligned(shared.vcpu_offset, 8) || !memory_.owns(shared_at, shared.size))
        return Error{COOP_E_INVALID};
    if (!memory_.owns(Physical{request.entry_gpa}, 1) ||
        !memory_.owns(Physical{request.boot_params_gpa}, page_bytes))
        return Error{COOP_E_INVALID};

    device_count_ = shared.devices;
    auto* page = static_cast<coop_vcpu_page*>(coop_host_ram_va(request.shared_gpa + shared.vcpu_offset));
    vcpus_[0]->start(page, Physical{request.entry_gpa}, Physical{request.boot_params_gpa});
    started_.store(true, std::memory_order_release);
    return ok;
}

Status Guest::set_notifier(std::uint32_t device, std::uint32_t queue, coop_host_notifier* notifier) {
    MutexLock lock{setup_mutex_};
    if (started_)
        return Error{COOP_E_BUSY};
    if (device == COOP_NOTIFY_LOG) {
        log_notifier_.reset(notifier);
        return ok;
    }
    return notifiers_.set(device, queue, notifier);
}

int Guest::run(coop_run& request) {
    // Until it is started, the vCPU is start()'s, which another thread may be in.
    if (request.vcpu >= vcpu_count_ || !started_.load(std::memory_order_acquire))
        return -COOP_E_INVALID;
    const int status = vcpus_[request.vcpu]->run();
    if (status != 0)
        return status;
    const std::uint32_t vcpu = request.vcpu;
    request = end_;
    request.vcpu = vcpu;
    return 0;
}

void Guest::end(std::uint32_t reason, std::uint64_t detail, std::uint64_t rip, std::uint64_t address) {
    if (end_claimed_.exchange(1) != 0)
        return;
    end_ = coop_run{.vcpu = 0, .end = reason, .detail = detail, .rip = rip, .address = address};
    // In one order with what wake() reads: who enters now either sees the reason or is seen.
    end_reason_.store(reason);
    for (std::uint32_t i = 0; i < vcpu_count_; ++i)
        vcpus_[i]->wake();
}

void Guest::log(std::span<const std::uint8_t> text) {
    log_.write(text);
    if (log_notifier_)
        coop_host_notifier_signal(log_notifier_.get());
}

bool Guest::send(std::uint64_t vcpu, std::uint64_t events) {
    if (vcpu >= vcpu_count_ || (events & ~events_between_vcpus) != 0)
        return false;
    vcpus_[vcpu]->raise(events);
    return true;
}

Status Guest::interrupt(std::uint32_t device) {
    Vcpu* vcpu = boot_vcpu();
    if (!vcpu || device >= device_count_)
        return Error{COOP_E_INVALID};
    vcpu->raise_device(device);
    return ok;
}

Status Guest::raise(std::uint64_t events) {
    Vcpu* vcpu = boot_vcpu();
    if (!vcpu || events != COOP_EVENT_POWER_BUTTON)
        return Error{COOP_E_INVALID};
    vcpu->raise(events);
    return ok;
}

void Guest::stats(coop_stats& stats) const {
    stats = coop_stats{};
    for (std::uint32_t i = 0; i < vcpu_count_; ++i) {
        const VcpuStats& vcpu = vcpus_[i]->stats();
        const WorldStats& world = vcpus_[i]->world_stats();
        stats.switches += vcpu.switches.value();
        for (std::size_t reason = 0; reason < vcpu.doorbells.size(); ++reason)
            stats.doorbells[reason] += vcpu.doorbells[reason].value();
        stats.interrupts_forwarded += vcpu.interrupts.value();
        stats.nmis_forwarded += world.nmis.value();
        stats.machine_checks_forwarded += world.machine_checks.value();
        stats.entries_aborted += world.aborts.value();
        stats.events_injected += vcpu.injected.value();
        stats.self_interrupts += vcpu.self_interrupts.value();
        stats.guest_ns += core_state.clock.to_ns(vcpu.guest_ticks.value());
        stats.wait_ns += vcpu.wait_ns.value();
    }
    stats.ram_bytes = memory_.bytes();
    stats.frames_owned = ledger_.frames();
}

} // namespace coop
