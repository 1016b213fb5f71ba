#include <string.h>

#include "avxvnni_trap.h"
#include "instruction_trap.h"

// Intel 64 and IA-32 Architectures SDM, volume 2: section 2.3 (VEX), and the pages of VPDPBUSD, VPDPBUSDS,
// VPDPWSSD and VPDPWSSDS.

static int64_t saturated(int64_t sum) {
  return sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
}

/// One lane: `sum` and the products of four bytes, or of two words.
static uint32_t lane(int opcode, uint32_t sum, uint32_t one, uint32_t other) {
  int64_t total = (int32_t)sum;
  if (opcode == 0x50 || opcode == 0x51) {
    for (int shift = 0; shift < 32; shift += 8)
      total += (int64_t)(uint8_t)(one >> shift) * (int8_t)(other >> shift);
  } else {
    for (int shift = 0; shift < 32; shift += 16)
      total += (int64_t)(int16_t)(one >> shift) * (int16_t)(other >> shift);
  }
  return (uint32_t)(opcode == 0x51 || opcode == 0x53 ? saturated(total) : total);
}

int avxvnni_execute(const uint8_t *code, struct avxvnni_registers *registers) {
  // Three bytes of VEX, for only these reach the map 0F38; then the opcode and ModRM.
  if (code[0] != 0xc4) return 0;
  const int map = code[1] & 31, prefix = code[2] & 3, wide = code[2] >> 7, opcode = code[3];
  if (map != 2 || prefix != 1 || wide != 0 || opcode < 0x50 || opcode > 0x53) return 0;
  const int r = code[1] & 0x80 ? 0 : 8, x = code[1] & 0x40 ? 0 : 8, b = code[1] & 0x20 ? 0 : 8;
  const int bytes = code[2] & 4 ? 32 : 16;
  const int first = ~(code[2] >> 3) & 15;
  const int mode = code[4] >> 6, target = (code[4] >> 3 & 7) | r, rm = code[4] & 7;

  uint8_t other[32];
  int length = 5;
  if (mode == 3) {
    memcpy(other, registers->ymm[rm | b], sizeof other);
  } else {
    const struct instruction_operand operand =
        instruction_trap_operand(code + 4, x, b, registers->general);
    length = 4 + operand.length;
    memcpy(other, (const void *)(uintptr_t)(operand.base + operand.index), (size_t)bytes);
  }

  // Bits above those of a VEX instruction become zero.
  uint8_t result[32] = {0};
  for (int i = 0; i < bytes; i += 4) {
    uint32_t sum, left, right;
    memcpy(&sum, registers->ymm[target] + i, 4);
    memcpy(&left, registers->ymm[first] + i, 4);
    memcpy(&right, other + i, 4);
    sum = lane(opcode, sum, left, right);
    memcpy(result + i, &sum, 4);
  }
  memcpy(registers->ymm[target], result, sizeof result);
  return length;
}
