# SPDX-License-Identifier: GPL-2.0-only
"""Mutants that no rule derives: another value, another order. The text to replace must be in the file once, else the command fails."""

from derive import PASSAGE, RESIDENT, Mutant

WORLD = "libcoop/arch/x86_64/world.cpp"
VECTORS = "libcoop/arch/x86_64/vector_state.cpp"
TABLES = "libcoop/arch/x86_64/page_tables.cpp"

# Cases that must each notice a flush that is missing, by itself.
GLOBAL, FRAMES, MIGRATION, PCID = "bochs tlb_global", "bochs tlb_frames", "bochs_two tlb_migration", "pcid.py"

# Name, file, texts and what replaces them; at the end, maybe, the boots that must each notice.
ROWS = [
    # The TLB.
    ("the host's global entries stay", WORLD, "host.cr4 & ~cpu::cr4_pge;", "host.cr4;", (GLOBAL, PCID)),
    ("the guest's global entries stay", PASSAGE, "\tandq\t$~CR4_PGE, %rax\n", "", (GLOBAL, PCID)),
    ("the passage's own entries are global", TABLES, "accessed_dirty = 3 << 5;", "accessed_dirty = 3 << 5 | 1 << 8;"),
    ("the guest's CR4 has PGE at its first entry", WORLD, "| vmxe | cpu::cr4_pse;", "| vmxe | cpu::cr4_pse | cpu::cr4_pge;"),
    ("the guest's CR4 never has VMXE", WORLD, "| vmxe | cpu::cr4_pse;", "| cpu::cr4_pse;"),
    ("the passage is not executable", WORLD, "page_bytes, PageTables::read_execute", "page_bytes, PageTables::read_write"),
    ("no global entry is ever dropped", PASSAGE, "movq\t%rax, %cr4\n\tmovq\tDATA(INTERMEDIATE_CR3), %rax\n\tmovq\t%rax, %cr3\n\n\t/* E3",
     "movq\tDATA(INTERMEDIATE_CR3), %rax\n\tmovq\t%rax, %cr3\n\n\t/* E3", "\tandq\t$~CR4_PGE, %rax\n", "", (GLOBAL, FRAMES, MIGRATION, PCID)),
    # One world's in the place of the other's.
    ("the host gets the guest's CR3", PASSAGE, "movq\tHOST(CR3), %rax\n\tmovq\t%rax, %cr3\n\tmovzwl", "movq\tGUEST(CR3), %rax\n\tmovq\t%rax, %cr3\n\tmovzwl"),
    ("the host gets the guest's CR4", PASSAGE, "HOST(CR4), %rax", "GUEST(CR4), %rax"),
    ("the guest gets the host's CR4", PASSAGE, "GUEST(CR4), %rax\n\tmovq\t%rax, %cr4\n\t/* A GDT", "HOST(CR4), %rax\n\tmovq\t%rax, %cr4\n\t/* A GDT"),
    ("the host gets the guest's GS_BASE", PASSAGE, "load_msr MSR_GS_BASE, HOST(GS_BASE)", "load_msr MSR_GS_BASE, GUEST(GS_BASE)"),
    ("the guest gets the host's GS_BASE", PASSAGE, "load_msr MSR_GS_BASE, GUEST(GS_BASE)", "load_msr MSR_GS_BASE, HOST(GS_BASE)"),
    ("DS and ES exchanged", PASSAGE, "movw\tGUEST(DS), %ds", "movw\tGUEST(ES), %ds", "movw\tGUEST(ES), %es", "movw\tGUEST(DS), %es"),
    ("R8 and R9 exchanged", PASSAGE, "movq\tGPR(8), %r8\n\tmovq\tGPR(9), %r9", "movq\tGPR(9), %r8\n\tmovq\tGPR(8), %r9"),
    # Order.
    ("the host's CR3 before its CR4", PASSAGE, "movq\tHOST(CR4), %rax\n\tmovq\t%rax, %cr4\n\tmovq\tHOST(CR3), %rax\n\tmovq\t%rax, %cr3\n",
     "movq\tHOST(CR3), %rax\n\tmovq\t%rax, %cr3\n\tmovq\tHOST(CR4), %rax\n\tmovq\t%rax, %cr4\n"),
    ("the host's IDT before its stack", PASSAGE, "movq\tHOST(RSP), %rsp\n\tlidt\tHOST(IDTR)", "lidt\tHOST(IDTR)\n\tmovq\tHOST(RSP), %rsp"),
    ("pending is looked at before the registers are loaded", PASSAGE, "cmpq\t$0, DATA(PENDING)\n\tjne\t.Lleave\n\tmovq\tGPR(7), %rdi",
     "movq\tGPR(7), %rdi\n\tcmpq\t$0, DATA(PENDING)\n\tjne\t.Lleave"),
    ("the window ends before IRETQ", PASSAGE, "\tja\t1f\n", "\tjae\t1f\n"),
    # Conditions.
    ("an NMI in the passage is not replayed", WORLD, "vector == vector_nmi || (pending & PASSAGE_PENDING_NMI)) {", "vector == vector_nmi) {"),
    ("an NMI in the guest is not replayed", WORLD, "if (vector == vector_nmi || (pending & PASSAGE_PENDING_NMI)) {", "if (pending & PASSAGE_PENDING_NMI) {"),
    ("a doorbell hides what is pending", WORLD, "data.vector == PASSAGE_VECTOR_DOORBELL && data.pending == 0", "data.vector == PASSAGE_VECTOR_DOORBELL"),
    ("pending is not cleared", WORLD, "std::exchange(data.pending, 0)", "data.pending"),
    ("a TR beyond the table is tried", WORLD, "if (!tss_index_fits(data.guest.tr))", "if (false)"),
    ("same segments: DS does not count", WORLD, "a.ds == b.ds && ", ""),
    ("same segments: ES does not count", WORLD, "a.es == b.es && ", ""),
    ("same segments: FS does not count", WORLD, "a.fs == b.fs && ", ""),
    ("same segments: GS does not count", WORLD, "a.gs == b.gs && ", ""),
    ("same segments: an LDT does not count", WORLD, " && a.ldtr == 0 && b.ldtr == 0", ""),
    ("an upcall of no canonical address", WORLD, "if (!is_canonical(upcall_va))", "if (false)"),
    ("an event in user mode on the user's stack", WORLD, "from_user ? entry_stack_va : data.rsp", "data.rsp"),
    ("an event's stack is not aligned", WORLD, "align_down(from_user ? entry_stack_va : data.rsp, 16)", "from_user ? entry_stack_va : data.rsp"),
    ("the guest's XCR0 is not loaded", RESIDENT, "if (guest_.xcr0 != host_.xcr0)\n        cpu::write_xcr0(guest_.xcr0);", ""),
    ("without XSAVE: nothing saved", VECTORS, 'asm volatile("fxsave64 (%0)"', 'asm volatile("" '),
    ("without XSAVE: nothing loaded", VECTORS, 'asm volatile("fxrstor64 (%0)"', 'asm volatile("" '),
    ("XSAVE saves x87 and SSE only", VECTORS, 'asm volatile("xsave64 (%0)" ::"r"(area_.va()), "a"(-1)', 'asm volatile("xsave64 (%0)" ::"r"(area_.va()), "a"(3)'),
]


def by_hand(read):
    for name, file, *edits in ROWS:
        noticed_by = edits.pop() if isinstance(edits[-1], tuple) else ()
        source = text = read(file)
        for old, new in zip(edits[::2], edits[1::2]):
            if text.count(old) != 1:
                raise LookupError(f"{file} has {text.count(old)} times the text that '{name}' replaces: mend tests/mutants/by_hand.py")
            text = text.replace(old, new)
        yield Mutant(f"{file.rsplit('/', 1)[-1]} by hand: {name}", file, 0, len(source), text, noticed_by)
