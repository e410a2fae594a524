/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells instructions apart by prefixes, opcode and ModRM byte; nothing behind them matters here. */
#include "decode.h"

#include <string.h>

struct instruction {
    const uint8_t* at; /* opcode, behind prefixes and the 0F escape */
    size_t left;
    uint8_t rex;
    bool prefix_66, prefix_f2, prefix_f3;
    bool two_byte;
};

static struct instruction parse(const uint8_t* code, size_t size) {
    struct instruction in = {.at = code, .left = size};
    for (; in.left && memchr("\x66\x67\xf0\xf2\xf3\x26\x2e\x36\x3e\x64\x65", *in.at, 11);
         in.at++, in.left--) {
        in.prefix_66 |= *in.at == 0x66;
        in.prefix_f2 |= *in.at == 0xf2;
        in.prefix_f3 |= *in.at == 0xf3;
    }
    if (in.left && (*in.at & 0xf0) == 0x40) {
        in.rex = *in.at;
        in.at++, in.left--;
    }
    if (in.left > 1 && *in.at == 0x0f) {
        in.two_byte = true;
        in.at++, in.left--;
    }
    return in;
}

static bool is_register(uint8_t modrm) {
    return modrm >> 6 == 3;
}
static unsigned middle(uint8_t modrm) {
    return modrm >> 3 & 7;
}

static const char* decode_one_byte(const struct instruction* in, uint32_t* port) {
    switch (in->at[0]) {
    case 0x6c:
    case 0x6d:
        return "ins";
    case 0x6e:
    case 0x6f:
        return "outs";
    case 0xe4:
    case 0xe5:
        *port = in->at[1];
        return "in";
    case 0xe6:
    case 0xe7:
        *port = in->at[1];
        return "out";
    case 0xec:
    case 0xed:
        return "in";
    case 0xee:
    case 0xef:
        return "out";
    case 0xf4:
        return "hlt";
    default:
        return NULL;
    }
}

/* 0F 01 */
static const char* decode_group_7(uint8_t modrm) {
    if (middle(modrm) == 6)
        return "lmsw";
    if (!is_register(modrm))
        return middle(modrm) == 2 ? "lgdt" : middle(modrm) == 3 ? "lidt" : NULL;
    switch (modrm) {
    case 0xc0:
    case 0xcf:
        return "encl";
    case 0xc1 ... 0xc4:
    case 0xd4:
        return "vmx";
    case 0xc5:
        return "pconfig";
    case 0xc6:
        return "wrmsrns";
    case 0xc8:
    case 0xfa:
        return "monitor";
    case 0xc9:
    case 0xfb:
        return "mwait";
    case 0xd1:
        return "xsetbv";
    case 0xd8 ... 0xdf:
        return "svm";
    case 0xfd:
        return "rdpru";
    default:
        return NULL;
    }
}

/* 0F 22 and 0F 23: the number of the register is in the middle of ModRM, with REX.R. */
static const char* moved_to(uint8_t opcode, unsigned number) {
    static const char* const control[16] = {
        [0] = "mov to cr0", [2] = "mov to cr2", [3] = "mov to cr3", [4] = "mov to cr4", [8] = "mov to cr8"};
    if (opcode == 0x23)
        return "mov to dr";
    return control[number] ? control[number] : "mov to cr";
}

static const char* decode_two_byte(const struct instruction* in) {
    uint8_t opcode = in->at[0];
    uint8_t modrm = in->left > 1 ? in->at[1] : 0;
    unsigned number = middle(modrm) | (in->rex & 4) << 1;
    switch (opcode) {
    case 0x00:
        return middle(modrm) == 2 ? "lldt" : middle(modrm) == 3 ? "ltr" : NULL;
    case 0x01:
        return decode_group_7(modrm);
    case 0x08:
        return "invd";
    case 0x09:
        return "wbinvd";
    case 0x20:
        return number == 8 ? "mov from cr8" : NULL;
    case 0x22:
    case 0x23:
        return moved_to(opcode, number);
    case 0x30:
        return "wrmsr";
    case 0x32:
        return "rdmsr";
    case 0x33:
        return "rdpmc";
    case 0x37:
        return "getsec";
    case 0x38:
        /* modrm is the third opcode byte here */
        return in->prefix_66 && (modrm == 0x80 || modrm == 0x81) ? "vmx" : NULL;
    case 0x78:
    case 0x79:
        return in->prefix_66 || in->prefix_f2 ? NULL : "vmx";
    case 0xaa:
        return "rsm";
    case 0xc7:
        if (is_register(modrm))
            return NULL;
        return middle(modrm) == 3   ? "xrstors"
               : middle(modrm) == 5 ? "xsaves"
               : middle(modrm) >= 6 ? "vmx"
                                    : NULL;
    default:
        return NULL;
    }
}

const char* watch_decode(const uint8_t* code, size_t size, uint32_t* port) {
    struct instruction in = parse(code, size);
    *port = WATCH_UNKNOWN;
    if (!in.left)
        return NULL;
    return in.two_byte ? decode_two_byte(&in) : decode_one_byte(&in, port);
}

bool watch_is_iretq(const uint8_t* code, size_t size) {
    return size == 2 && code[0] == 0x48 && code[1] == 0xcf;
}

/* Whether an instruction certainly leaves %ecx as it is. Those with a ModRM byte here write, at most, its
 * register or memory operand, or its middle register. */
static bool spares_ecx(const struct instruction* in) {
    uint8_t opcode = in->at[0];
    uint8_t modrm = in->left > 1 ? in->at[1] : 0;
    bool operand = is_register(modrm) && (modrm & 7) == 1 && !(in->rex & 1);
    bool register_in_middle = middle(modrm) == 1 && !(in->rex & 4);
    if (in->two_byte) {
        switch (opcode) {
        case 0x1e:
        case 0x1f: /* no-operations */
        case 0x30:
        case 0x31:
        case 0x32: /* wrmsr, rdtsc, rdmsr */
            return true;
        case 0xae:
            return !in->prefix_f3; /* fences; the others may write a register */
        case 0xba:
            return !operand; /* bt, bts, btr by number */
        case 0xb6:
        case 0xb7:
            return !register_in_middle; /* zero extension */
        default:
            return false;
        }
    }
    if (opcode < 0x40 && (opcode & 7) < 6) /* the eight arithmetic operations in six forms */
        return (opcode & 7) < 2 ? !operand : (opcode & 7) < 4 ? !register_in_middle : true;
    switch (opcode) {
    case 0x50 ... 0x57: /* push */
    case 0x84:
    case 0x85:
    case 0x90:
    case 0xa8:
    case 0xa9: /* test, nop */
    case 0xfa:
    case 0xfb: /* cli, sti */
        return true;
    case 0x8b:
    case 0x8d: /* loads */
        return !register_in_middle;
    case 0x80:
    case 0x81:
    case 0x83:
    case 0x88:
    case 0x89:
    case 0xc0:
    case 0xc1:
    case 0xc6:
    case 0xc7:
    case 0xd1:
    case 0xd3: /* arithmetic, shifts, stores */
        return !operand;
    case 0xb8 ... 0xbf: /* a constant into a register */
        return opcode != 0xb9 || (in->rex & 1);
    default:
        return false;
    }
}

void watch_follow_ecx(const uint8_t* code, size_t size, uint32_t* ecx) {
    struct instruction in = parse(code, size);
    bool wide = in.rex & 8, extended = in.rex & 1;
    if (in.left == 5 && !in.two_byte && !in.prefix_66 && in.at[0] == 0xb9 && !extended)
        memcpy(ecx, in.at + 1, sizeof(*ecx));
    else if (in.left == 6 && !in.two_byte && wide && !extended && in.at[0] == 0xc7 && in.at[1] == 0xc1)
        memcpy(ecx, in.at + 2, sizeof(*ecx));
    else if (!in.left || !spares_ecx(&in))
        *ecx = WATCH_UNKNOWN;
}
