/* SPDX-License-Identifier: GPL-2.0-only */
/* Are vm_flags changed by functions (or by assignment)? */
#include <linux/mm.h>

void probe(struct vm_area_struct* vma);
void probe(struct vm_area_struct* vma) {
    vm_flags_set(vma, VM_DONTDUMP);
    vm_flags_clear(vma, VM_MAYEXEC);
}
