// SPDX-License-Identifier: GPL-2.0-only
// The x86-64 World: builds passages and drives them. docs/world-switch.md has the whole picture.
#include "monitor/world.hpp"

#include "arch/x86_64/host_features.hpp"
#include "arch/x86_64/page_tables.hpp"
#include "arch/x86_64/passage.hpp"
#include "arch/x86_64/resident_state.hpp"
#include "base/assert.hpp"

#include <utility>

namespace coop {

namespace {

constexpr std::uint16_t kernel_cs = 0x10;
constexpr std::uint16_t kernel_ss = 0x18;
constexpr std::uint16_t boot_tr = 0x40;
constexpr std::uint64_t flat_code = 0x00af9b000000ffff;
constexpr std::uint64_t flat_data = 0x00cf93000000ffff;
constexpr std::uint32_t vector_nmi = 2;
constexpr std::uint32_t vector_machine_check = 18;
constexpr std::uint32_t first_external_vector = 32;
// TR indices that the passage's own tables have room for.
constexpr std::uint32_t first_tss = 0x20;
constexpr std::uint32_t last_tss = PASSAGE_GDT_BYTES - 16;

std::uint64_t text_host() {
    auto address = reinterpret_cast<std::uint64_t>(coop_passage_start);
    // Opaque to the compiler: an address folded into the middle of the text would look to objtool like a
    // branch target.
    asm("" : "+r"(address));
    return address;
}

std::uint64_t data_guest_va(std::uint32_t vcpu) {
    return COOP_PASSAGE_VA + COOP_PASSAGE_VCPU_STRIDE * (vcpu + 1ull);
}

unsigned paging_levels() {
    return cpu::read_cr4() & cpu::cr4_la57 ? 5 : 4;
}

bool is_canonical(std::uint64_t va) {
    const unsigned unused = paging_levels() == 5 ? 7 : 16;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(va << unused) >> unused) == va;
}

// An interrupt gate without IST: NMIs in the passage use its own stack, whichever TSS is loaded.
Gate interrupt_gate(std::uint64_t target) {
    constexpr std::uint64_t present_interrupt_gate = 0x8e;
    return Gate{(target & 0xffff) | std::uint64_t{kernel_cs} << 16 | present_interrupt_gate << 40 |
                    (target >> 16 & 0xffff) << 48,
                target >> 32};
}

void fill_idt(Gate (&idt)[32], std::uint64_t text) {
    for (unsigned vector = 0; vector < 32; ++vector)
        idt[vector] = interrupt_gate(text + PASSAGE_OWN_STUBS + vector * COOP_PASSAGE_STUB_STRIDE);
}

// The guest's first IDT is like its later ones: NMI and machine check through its own gates, since the
// passage looks for them. The guest's own stack may be gone when it faults.
void fill_boot_idt(Gate (&idt)[32]) {
    fill_idt(idt, COOP_PASSAGE_VA);
    for (unsigned vector : {vector_nmi, vector_machine_check})
        idt[vector] =
            interrupt_gate(COOP_PASSAGE_VA + COOP_PASSAGE_STUBS + vector * COOP_PASSAGE_STUB_STRIDE);
    for (unsigned vector = 0; vector < 32; ++vector) {
        const std::uint64_t ist = vector == vector_nmi             ? COOP_IST_NMI
                                  : vector == vector_machine_check ? COOP_IST_MCE
                                                                   : COOP_IST_INTERRUPT;
        idt[vector].low |= ist << 32;
    }
}

// A 64-bit available TSS descriptor, SDM 3A 8.2.3.
void fill_tss_descriptor(std::uint64_t (&descriptor)[2], std::uint64_t base) {
    constexpr std::uint64_t present_available_tss = 0x89;
    descriptor[0] = (PASSAGE_BOOT_TSS_BYTES - 1) | (base & 0xffffff) << 16 | present_available_tss << 40 |
                    (base >> 24 & 0xff) << 56;
    descriptor[1] = base >> 32;
}

bool tss_index_fits(std::uint32_t tr) {
    constexpr std::uint32_t table_and_privilege = 7;
    return tr >= first_tss && tr <= last_tss && (tr & table_and_privilege) == 0;
}

std::uint16_t read_tr() {
    std::uint16_t tr;
    asm volatile("str %0" : "=m"(tr));
    return tr;
}

std::uint16_t read_ldtr() {
    std::uint16_t ldtr;
    asm volatile("sldt %0" : "=m"(ldtr));
    return ldtr;
}

void read_data_segments(WorldRegisters& to) {
    asm volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3"
                 : "=m"(to.ds), "=m"(to.es), "=m"(to.fs), "=m"(to.gs));
}

// Whether loading one world's after the other's would change anything.
bool same_segments(const WorldRegisters& a, const WorldRegisters& b) {
    return a.ds == b.ds && a.es == b.es && a.fs == b.fs && a.gs == b.gs && a.ldtr == 0 && b.ldtr == 0;
}

// Loading FS or GS clears its base; the bases are the host's already and stay so. GS is loaded while the
// user's base is in force, as kernels themselves do it, because an NMI's handler may look at the base.
void load_host_segments(const WorldRegisters& host) {
    const std::uint64_t fs_base = cpu::read_msr(cpu::Msr::fs_base);
    const std::uint64_t kernel_gs_base = cpu::read_msr(cpu::Msr::kernel_gs_base);
    asm volatile("lldt %0\n\tmov %1, %%ds\n\tmov %2, %%es\n\tmov %3, %%fs\n\t"
                 "swapgs\n\tmov %4, %%gs\n\tmfence\n\tswapgs" ::"m"(host.ldtr),
                 "m"(host.ds), "m"(host.es), "m"(host.fs), "m"(host.gs)
                 : "memory");
    cpu::write_msr(cpu::Msr::fs_base, fs_base);
    cpu::write_msr(cpu::Msr::kernel_gs_base, kernel_gs_base);
}

void set_tss_ist(std::uint8_t (&tss)[PASSAGE_BOOT_TSS_BYTES], unsigned ist, std::uint64_t stack_top) {
    constexpr std::size_t ist1_offset = 36; // SDM 3A figure 8-11
    __builtin_memcpy(tss + ist1_offset + 8 * (ist - 1), &stack_top, sizeof stack_top);
}

} // namespace

struct WorldShared {
    WorldShared(FrameLedger& ledger, unsigned levels) : intermediate{ledger, levels}, boot{ledger, levels} {}
    PageTables intermediate;
    PageTables boot;
};

std::uint64_t read_tsc() {
    return __builtin_ia32_rdtsc();
}

Result<WorldShared*> world_shared_create(FrameLedger& ledger, const GuestMemory& memory) {
    // The host's own addresses must not collide with the guest view.
    COOP_ASSERT(text_host() >> 30 != COOP_PASSAGE_VA >> 30);
    Owned<WorldShared> shared = COOP_TRY(make_owned<WorldShared>(ledger, paging_levels()));
    for (std::uint64_t offset = 0; offset < PASSAGE_TEXT_BYTES; offset += page_bytes) {
        const Physical page{coop_host_phys(reinterpret_cast<const void*>(text_host() + offset))};
        for (std::uint64_t view : {text_host(), std::uint64_t{COOP_PASSAGE_VA}}) {
            if (Status s =
                    shared->intermediate.map_pages(view + offset, page, page_bytes, PageTables::read_execute);
                !s)
                return s.error();
        }
    }
    for (const coop_extent& extent : memory.extents()) {
        if (Status s = shared->boot.map_large(extent.gpa, Physical{extent.gpa}, extent.size); !s)
            return s.error();
    }
    const std::uint64_t passage = shared->intermediate.gigabyte_entry(COOP_PASSAGE_VA);
    if (Status s = shared->boot.share_gigabyte(COOP_PASSAGE_VA, passage); !s)
        return s.error();
    return shared.release();
}

void world_shared_destroy(WorldShared* shared) {
    destroy(shared);
}

struct World::State {
    State(WorldShared& world_shared, PageBlock block, ResidentState resident_state)
        : shared{world_shared}, pages{std::move(block)}, resident{std::move(resident_state)} {}
    PassageData& data() const { return *static_cast<PassageData*>(pages.va()); }

    WorldShared& shared;
    PageBlock pages;
    ResidentState resident;
    WorldStats stats;
};

void World::release(State* state) {
    destroy(state);
}

Result<World> World::create(FrameLedger& ledger, WorldShared& shared, std::uint32_t vcpu) {
    if (!tss_index_fits(read_tr()))
        return Error{COOP_E_NOT_SUPPORTED};
    PageBlock pages = COOP_TRY(PageBlock::allocate(ledger, PASSAGE_DATA_PAGES));
    ResidentState resident = COOP_TRY(ResidentState::create(ledger));
    auto& data = *static_cast<PassageData*>(pages.va());
    const std::uint64_t host_va = reinterpret_cast<std::uint64_t>(&data);
    const std::uint64_t guest_va = data_guest_va(vcpu);
    COOP_ASSERT(host_va >> 30 != COOP_PASSAGE_VA >> 30);
    for (std::uint64_t view : {host_va, guest_va}) {
        if (Status s =
                shared.intermediate.map_pages(view, pages.physical(), sizeof data, PageTables::read_write);
            !s)
            return s.error();
    }

    data.intermediate_cr3 = shared.intermediate.root();
    data.text_host = text_host();
    data.text_guest = COOP_PASSAGE_VA;
    data.host_view = data.text_host + coop_passage_views[0];
    data.guest_view = data.text_guest + coop_passage_views[1];
    data.self_host = host_va;
    data.self_guest = guest_va;

    fill_idt(data.idt_host, data.text_host);
    fill_idt(data.idt_guest, data.text_guest);
    fill_boot_idt(data.boot_idt);
    data.idt_host_self = host_va;
    data.idt_guest_self = guest_va;
    data.boot_idt_self = guest_va;
    data.idt_host_pointer = {PASSAGE_IDT_BYTES - 1, host_va + PASSAGE_IDT_HOST};
    data.idt_guest_pointer = {PASSAGE_IDT_BYTES - 1, guest_va + PASSAGE_IDT_GUEST};
    data.gdt_host_pointer = {PASSAGE_GDT_BYTES - 1, host_va + PASSAGE_GDT_HOST};
    data.gdt_guest_pointer = {PASSAGE_GDT_BYTES - 1, guest_va + PASSAGE_GDT_GUEST};

    for (std::uint64_t top :
         {COOP_PASSAGE_INTERRUPT_STACK_TOP, COOP_PASSAGE_NMI_STACK_TOP, COOP_PASSAGE_MCE_STACK_TOP})
        *reinterpret_cast<std::uint64_t*>(host_va + top) = guest_va;

    for (std::uint64_t* gdt : {data.gdt_host, data.gdt_guest, data.boot_gdt}) {
        gdt[kernel_cs / 8] = flat_code;
        gdt[kernel_ss / 8] = flat_data;
    }
    set_tss_ist(data.boot_tss, COOP_IST_NMI, guest_va + COOP_PASSAGE_NMI_STACK_TOP);
    set_tss_ist(data.boot_tss, COOP_IST_MCE, guest_va + COOP_PASSAGE_MCE_STACK_TOP);
    set_tss_ist(data.boot_tss, COOP_IST_INTERRUPT, guest_va + COOP_PASSAGE_INTERRUPT_STACK_TOP);
    fill_tss_descriptor(data.boot_tss_descriptor, guest_va + PASSAGE_BOOT_TSS);
    data.boot_gdt[boot_tr / 8] = data.boot_tss_descriptor[0];
    data.boot_gdt[boot_tr / 8 + 1] = data.boot_tss_descriptor[1];

    void* memory = coop_host_alloc(sizeof(State));
    if (!memory)
        return Error{COOP_E_NO_MEMORY};
    return World{Handle{new (memory) State{shared, std::move(pages), std::move(resident)}}};
}

void World::set_start(Physical entry, Physical boot_params) {
    PassageData& data = state_->data();
    const std::uint64_t guest_va = data.self_guest;
    const std::uint64_t host_cr4 = cpu::read_cr4();
    constexpr std::uint64_t kept = cpu::cr4_pae | cpu::cr4_la57 | cpu::cr4_mce | cpu::cr4_pcide;
    // The host may turn VMX on later, and then CR4.VMXE must not be cleared (SDM 3C 24.8); so the guest has
    // it from the start.
    const std::uint64_t vmxe = cpu::cpuid(1).ecx & cpu::cpuid1_ecx_vmx ? cpu::cr4_vmxe : 0;

    data.guest = WorldRegisters{};
    data.guest.cr0 = cpu::read_cr0();
    data.guest.cr3 = state_->shared.boot.root();
    data.guest.cr4 = (host_cr4 & kept) | vmxe | cpu::cr4_pse;
    data.guest.dr7 = cpu::dr7_idle;
    data.guest.gdtr = {PASSAGE_GDT_BYTES - 1, guest_va + PASSAGE_BOOT_GDT};
    data.guest.idtr = {PASSAGE_IDT_BYTES - 1, guest_va + PASSAGE_BOOT_IDT};
    data.guest.tr = boot_tr;
    for (std::uint64_t& gpr : data.gpr)
        gpr = 0;
    data.gpr[gpr_rdi] = state_->shared.intermediate.gigabyte_entry(COOP_PASSAGE_VA);
    data.gpr[gpr_rsi] = boot_params.value();
    data.rip = entry.value();
    data.cs = kernel_cs;
    data.rflags = cpu::rflags_fixed;
    data.rsp = guest_va + PASSAGE_BOOT_STACK_TOP;
    data.ss = kernel_ss;
}

void World::load_guest() {
    PassageData& data = state_->data();
    WorldRegisters& host = data.host;

    host.cr0 = cpu::read_cr0();
    host.cr3 = cpu::read_cr3();
    host.cr4 = cpu::read_cr4();
    data.host_cr4_no_pge = host.cr4 & ~cpu::cr4_pge;
    host.gs_base = cpu::read_msr(cpu::Msr::gs_base);
    asm volatile("sgdt %0\n\tsidt %1\n\tmov %%ss, %2" : "=m"(host.gdtr), "=m"(host.idtr), "=m"(host.ss));
    host.tr = read_tr();
    host.ldtr = read_ldtr();
    read_data_segments(host);
    data.loads |= PASSAGE_CHECK_TABLES;
    if (!same_segments(host, data.guest))
        data.loads |= PASSAGE_LOAD_SEGMENTS;
    if (host.cr0 != data.guest.cr0)
        data.loads |= PASSAGE_LOAD_CR0;

    // The passage loads TR from its own table; World::create has seen that the index fits.
    const auto* descriptor = reinterpret_cast<const std::uint64_t*>(host.gdtr.base + host.tr);
    data.gdt_host[host.tr / 8] = descriptor[0];
    data.gdt_host[host.tr / 8 + 1] = descriptor[1];

    state_->resident.load_guest();
}

void World::load_host() {
    PassageData& data = state_->data();
    data.guest.ldtr = read_ldtr();
    read_data_segments(data.guest);
    state_->resident.load_host();
    if (!same_segments(data.host, data.guest))
        load_host_segments(data.host);
}

// The rare ways out. NMIs stay blocked until the host's handler returns, so it goes first.
[[gnu::noinline]] Exit World::explain_exit() {
    PassageData& data = state_->data();
    WorldStats& stats = state_->stats;
    const std::uint64_t vector = data.vector;
    if (vector == PASSAGE_VECTOR_BUG)
        coop_host_bug(__FILE__, __LINE__, "an exception in the passage, in the host's view");
    const std::uint64_t pending = std::exchange(data.pending, 0);
    const bool fault = pending & PASSAGE_PENDING_FAULT;
    if (vector == vector_nmi || (pending & PASSAGE_PENDING_NMI)) {
        stats.nmis.add();
        coop_reraise(vector_nmi);
    }
    if (vector == vector_machine_check || (pending & PASSAGE_PENDING_MACHINE_CHECK)) {
        stats.machine_checks.add();
        coop_reraise(vector_machine_check);
    }

    const bool external = vector >= first_external_vector && vector < PASSAGE_VECTOR_DOORBELL;
    if (fault && !external)
        return {Exit::Kind::bad_state, static_cast<std::uint32_t>(data.error)};
    // The host's interrupt goes first: the next entry gets no further than to its look at pending.
    if (fault)
        data.pending = PASSAGE_PENDING_FAULT;
    if (vector == PASSAGE_VECTOR_DOORBELL)
        return {Exit::Kind::doorbell, 0};
    if (vector == PASSAGE_VECTOR_ABORT)
        stats.aborts.add();
    if (vector == PASSAGE_VECTOR_ABORT || vector == vector_nmi || vector == vector_machine_check)
        return {Exit::Kind::handled, 0};
    return {external ? Exit::Kind::interrupt : Exit::Kind::exception, static_cast<std::uint32_t>(vector)};
}

Exit World::enter() {
    PassageData& data = state_->data();
    if (!tss_index_fits(data.guest.tr)) [[unlikely]]
        return {Exit::Kind::bad_state, 0};
    passage_enter(&data);
    if (data.vector == PASSAGE_VECTOR_DOORBELL && data.pending == 0) [[likely]]
        return {Exit::Kind::doorbell, 0};
    return explain_exit();
}

void World::reraise(std::uint32_t vector) {
    coop_reraise(vector);
}

bool World::left_by_doorbell() const {
    return state_->data().vector == PASSAGE_VECTOR_DOORBELL;
}

Doorbell World::doorbell() const {
    const PassageData& data = state_->data();
    return {data.gpr[gpr_rsi], {data.gpr[gpr_rdx], data.gpr[gpr_rcx], data.gpr[gpr_r8]}};
}

void World::set_result(std::uint64_t value) {
    state_->data().gpr[gpr_rax] = value;
}

bool World::interrupts_enabled() const {
    return state_->data().rflags & cpu::rflags_if;
}

bool World::inject(std::uint64_t upcall_va, std::uint64_t entry_stack_va) {
    PassageData& data = state_->data();
    // IRETQ would fault when it is too late to tell (SDM 1 3.3.7.1).
    if (!is_canonical(upcall_va))
        return false;
    const bool from_user = (data.cs & 3) != 0;
    data.inject_rip = upcall_va;
    data.inject_rsp = align_down(from_user ? entry_stack_va : data.rsp, 16);
    data.loads |= PASSAGE_LOAD_EVENT;
    return true;
}

std::uint64_t World::rip() const {
    return state_->data().rip;
}

std::uint64_t World::fault_address() const {
    return state_->resident.guest_cr2();
}

const WorldStats& World::stats() const {
    return state_->stats;
}

HostFeatures probe_host_features() {
    ResidentState::probe();
    const std::uint64_t cr4 = cpu::read_cr4();
    const std::uint64_t efer = cpu::read_msr(cpu::Msr::efer);
    return host_features(cr4, efer, cr4 & cpu::cr4_osxsave ? cpu::read_xcr0() : 0,
                         cr4 & cpu::cr4_cet ? cpu::read_msr(cpu::Msr::s_cet) : 0);
}

} // namespace coop
