// Instructions that this processor has not, done by a handler of SIGILL: what the emulators of single
// instruction sets (AVXVNNITrap, AMXTrap) have in common. What the processor has is never replaced:
// nothing traps there.
#ifndef VITC_INSTRUCTION_TRAP_H
#define VITC_INSTRUCTION_TRAP_H

#include <stdint.h>

/// An emulator: does the instruction at which a thread was stopped, and those that follow it as far as
/// it knows them, moves the instruction pointer behind them, and returns how many; 0, and nothing is
/// changed, for others. `context` is the handler's, a `ucontext_t`.
typedef unsigned (*instruction_trap)(void *context);

/// Hands what is undefined to one more emulator, after those that came before; what none of them knows
/// ends as before there was any. Returns 1, or 0 where that cannot be.
int instruction_trap_install(instruction_trap emulator);

/// The address of the instruction, which is its code too.
const uint8_t *instruction_trap_place(void *context);
/// Goes on so many bytes later.
void instruction_trap_skip(void *context, int bytes);
/// rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15: as instructions number them.
void instruction_trap_general(void *context, uint64_t registers[16]);

/// The address of an operand in memory, by ModRM and what follows it.
struct instruction_operand {
  /// The address without the index, and the index times its scale; 0 where there is none.
  uint64_t base;
  uint64_t index;
  /// The bytes of ModRM, SIB and displacement.
  int length;
  /// 1 iff there is a SIB byte.
  int has_sib;
};

/// Reads an operand in memory: `modrm` is where ModRM is, whose mode is not 3, `x` and `b` are 8 where
/// the prefix extends the index and the base, else 0. Nothing may follow it: no immediate.
struct instruction_operand instruction_trap_operand(const uint8_t *modrm, int x, int b,
                                                    const uint64_t registers[16]);

#endif
