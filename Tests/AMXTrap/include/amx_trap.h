// AMX on processors without it: its instructions, which are undefined there, are done by a handler of
// SIGILL (InstructionTrap). Where the processor has them, nothing traps.
#ifndef VITC_AMX_TRAP_H
#define VITC_AMX_TRAP_H

#include <stdint.h>

/// The tiles of a thread; all zero but the pointer: they have no shapes, as before LDTILECFG and after TILERELEASE.
struct amx_tiles {
  uint8_t is_configured;
  uint8_t rows[8];
  /// Of a row.
  uint16_t bytes[8];
  /// 8 tiles of 16 rows of 64 bytes, which are the caller's: as an array they would be a tuple of 8192
  /// elements to Swift, whose compiler takes minutes for each copy of one.
  uint8_t *data;
};

/// Does the instruction at `code`, whose address in memory is `code` too, if it is LDTILECFG,
/// TILERELEASE, TILEZERO, TILELOADD, TILELOADDT1, TILESTORED, TDPBF16PS, TDPBSSD, TDPBSUD, TDPBUSD or
/// TDPBUUD, encoded as the manual says, of tiles that have the shapes that it wants. Returns its
/// length; 0, and nothing is changed, for any other, which would be undefined, a fault, or the rest of
/// an instruction that was interrupted. `general` are the registers in the order of instructions.
int amx_execute(const uint8_t *code, const uint64_t general[16], struct amx_tiles *tiles);

/// Hands these instructions to a handler, once for the process; other undefined ones end as they did
/// before. Returns 1, or 0 where that cannot be.
int amx_trap_install(void);

/// How many instructions the handler has done; and of them, how many products.
uint64_t amx_trap_count(void);
uint64_t amx_trap_products(void);

/// Whether the calling thread has tiles with shapes now.
int amx_trap_configured(void);

#endif
