/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Images of the vector registers in XSAVE's standard format (SDM 1, chapter 13; without XSAVE, FXSAVE's 512
 * bytes): what the registers are filled with, and what they must still hold.
 */
#ifndef COOP_TEST_IMAGE_H
#define COOP_TEST_IMAGE_H

#include <stdint.h>

enum { image_bytes = 16384, image_align = 64 };

/* The components that both the CPU and the kernel allow here, of those known to this program; 0: there is no
 * XSAVE. */
uint64_t image_components(void);

/*
 * Fills `image` with a new pattern that depends on `*random` alone, and advances that. One time in four a
 * component is left in its initial state, since CPUs treat that state differently. No exception gets
 * unmasked, and no memory of ours protected.
 */
void image_fill(unsigned char* image, uint64_t components, uint64_t* random);

/* Compares; writes the name of the first register that differs and both its values to `text`, and returns
 * whether one does. */
int image_differs(const unsigned char* expected, const unsigned char* found, uint64_t components, char* text,
                  unsigned size);

/* Names of the components, for people, to standard output. */
void image_print_components(uint64_t components);

#endif
