#include <string.h>

#include "instruction_trap.h"

// Intel 64 and IA-32 Architectures SDM, volume 2, tables 2-2 and 2-3 (ModRM, SIB).

static int64_t displacement(const uint8_t *at, int bytes) {
  int32_t value = 0;
  if (bytes == 1) return (int8_t)*at;
  if (bytes == 4) memcpy(&value, at, 4);
  return value;
}

struct instruction_operand instruction_trap_operand(const uint8_t *modrm, int x, int b,
                                                    const uint64_t registers[16]) {
  const int mode = modrm[0] >> 6, rm = modrm[0] & 7;
  struct instruction_operand operand = {0, 0, 1, rm == 4};
  int size = mode == 1 ? 1 : mode == 2 ? 4 : 0;
  int relative = 0;
  if (rm == 4) {
    const int scale = modrm[1] >> 6, index = (modrm[1] >> 3 & 7) | x, base = modrm[1] & 7;
    operand.length++;
    if (index != 4) operand.index = registers[index] << scale;
    if (base == 5 && mode == 0)
      size = 4;
    else
      operand.base = registers[base | b];
  } else if (rm == 5 && mode == 0) {
    size = 4;
    relative = 1;
  } else {
    operand.base = registers[rm | b];
  }
  operand.base += (uint64_t)displacement(modrm + operand.length, size);
  operand.length += size;
  if (relative) operand.base += (uint64_t)(uintptr_t)(modrm + operand.length);
  return operand;
}
