// AVX-VNNI on processors without it: its instructions, which are undefined there, are done by a
// handler of SIGILL. What the processor has is never replaced: where it has them, nothing traps.
#ifndef VITC_AVXVNNI_TRAP_H
#define VITC_AVXVNNI_TRAP_H

#include <stdint.h>

/// What the instructions read and write: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15, and the
/// ymm registers.
struct avxvnni_registers {
  uint64_t general[16];
  uint8_t ymm[16][32];
};

/// Does the instruction at `code`, whose address in memory is `code` too, if it is one of
/// VEX.128/256.66.0F38.W0 50 to 53 /r: vpdpbusd, vpdpbusds, vpdpwssd, vpdpwssds. Returns its length;
/// 0, and nothing is changed, for any other.
int avxvnni_execute(const uint8_t *code, struct avxvnni_registers *registers);

/// Hands these instructions to a handler (InstructionTrap), once for the process; other undefined ones
/// end as they did before. Returns 1, or 0 where that cannot be.
int avxvnni_trap_install(void);

/// How many instructions the handler has done.
uint64_t avxvnni_trap_count(void);

#endif
