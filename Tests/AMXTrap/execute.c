#include <float.h>
#include <math.h>
#include <string.h>

#include "amx_trap.h"
#include "instruction_trap.h"

// Intel 64 and IA-32 Architectures SDM, volume 2: section 2.3 (VEX), and the pages of LDTILECFG,
// TILERELEASE, TILEZERO, TILELOADD, TILESTORED, TDPBF16PS and TDPBSSD.

enum { none = 0, x66 = 1, xf3 = 2, xf2 = 3 };

enum { row_bytes = 64, tile_bytes = 16 * row_bytes };

static uint8_t *row_of(const struct amx_tiles *tiles, int tile, int row) {
  return tiles->data + tile * tile_bytes + row * row_bytes;
}

/// Takes all shapes away, and makes what was in the tiles zero.
static void release(struct amx_tiles *tiles) {
  uint8_t *data = tiles->data;
  memset(tiles, 0, sizeof *tiles);
  tiles->data = data;
  memset(data, 0, 8 * tile_bytes);
}

/// Takes the shapes at an address; 0 for what is a fault.
static int configure(struct amx_tiles *tiles, const uint8_t *from) {
  if (from[0] == 0) {  // The palette of no tiles.
    release(tiles);
    return 1;
  }
  if (from[0] != 1 || from[1] != 0) return 0;  // The palette, and where an interrupted load goes on.
  for (int i = 2; i < 64; i++) {
    const int is_reserved = i < 16 || (i >= 32 && i < 48) || i >= 56;
    if (is_reserved && from[i] != 0) return 0;
  }
  struct amx_tiles next;
  memset(&next, 0, sizeof next);
  next.is_configured = 1;
  for (int tile = 0; tile < 8; tile++) {
    memcpy(&next.bytes[tile], from + 16 + 2 * tile, 2);
    next.rows[tile] = from[48 + tile];
    if (next.bytes[tile] > 64 || next.rows[tile] > 16) return 0;
    if ((next.bytes[tile] == 0) != (next.rows[tile] == 0)) return 0;
  }
  release(tiles);
  next.data = tiles->data;
  *tiles = next;
  return 1;
}

static int has_shape(const struct amx_tiles *tiles, int tile) {
  return tiles->is_configured && tiles->rows[tile] > 0;
}

static uint32_t word(const struct amx_tiles *tiles, int tile, int row, int column) {
  uint32_t value;
  memcpy(&value, row_of(tiles, tile, row) + 4 * column, 4);
  return value;
}

/// A sum of a product of four bytes each, which wraps.
static uint32_t bytes_product(int prefix, uint32_t sum, uint32_t one, uint32_t other) {
  for (int shift = 0; shift < 32; shift += 8) {
    const uint8_t left = (uint8_t)(one >> shift), right = (uint8_t)(other >> shift);
    const int32_t x = prefix & 2 ? (int8_t)left : left, y = prefix & 1 ? (int8_t)right : right;
    sum += (uint32_t)(x * y);
  }
  return sum;
}

/// Numbers below the smallest normal one are zero, as operands and as results.
static float flushed(float x) { return fabsf(x) < FLT_MIN ? copysignf(0, x) : x; }

/// A half of a word as a float, zero for what is below the smallest normal number.
static float bf16(uint32_t half) {
  const uint32_t bits = half << 16;
  float value;
  memcpy(&value, &bits, 4);
  return flushed(value);
}

/// The sums of row `row`: of the first and of the second elements of all pairs, each in the order of
/// the depth, added to each other, and then to what was there.
static void bf16_row(struct amx_tiles *tiles, int row, int sums, int left, int right) {
  const int columns = tiles->bytes[sums] / 4, depth = tiles->bytes[left] / 4;
  float parts[16][2];
  memset(parts, 0, sizeof parts);
  for (int k = 0; k < depth; k++) {
    const uint32_t one = word(tiles, left, row, k);
    const float first = bf16(one & 0xffff), second = bf16(one >> 16);
    for (int n = 0; n < columns; n++) {
      const uint32_t other = word(tiles, right, k, n);
      parts[n][0] = flushed(fmaf(first, bf16(other & 0xffff), parts[n][0]));
      parts[n][1] = flushed(fmaf(second, bf16(other >> 16), parts[n][1]));
    }
  }
  for (int n = 0; n < columns; n++) {
    const uint32_t bits = word(tiles, sums, row, n);
    float before;
    memcpy(&before, &bits, 4);
    const float sum = flushed(flushed(before) + flushed(parts[n][0] + parts[n][1]));
    memcpy(row_of(tiles, sums, row) + 4 * n, &sum, 4);
  }
}

/// A product of tiles; 0 where shapes do not fit.
static int multiply(struct amx_tiles *tiles, int opcode, int prefix, int sums, int left, int right) {
  if (sums == left || sums == right || left == right) return 0;
  if (!has_shape(tiles, sums) || !has_shape(tiles, left) || !has_shape(tiles, right)) return 0;
  if (tiles->bytes[sums] % 4 || tiles->bytes[left] % 4 || tiles->bytes[right] % 4) return 0;
  if (tiles->rows[sums] != tiles->rows[left] || tiles->bytes[sums] != tiles->bytes[right] ||
      tiles->bytes[left] / 4 != tiles->rows[right])
    return 0;
  const int columns = tiles->bytes[sums] / 4, depth = tiles->bytes[left] / 4;
  for (int row = 0; row < tiles->rows[sums]; row++) {
    if (opcode == 0x5c) {
      bf16_row(tiles, row, sums, left, right);
      continue;
    }
    for (int k = 0; k < depth; k++) {
      const uint32_t one = word(tiles, left, row, k);
      for (int n = 0; n < columns; n++) {
        const uint32_t sum =
            bytes_product(prefix, word(tiles, sums, row, n), one, word(tiles, right, k, n));
        memcpy(row_of(tiles, sums, row) + 4 * n, &sum, 4);
      }
    }
  }
  return 1;
}

int amx_execute(const uint8_t *code, const uint64_t general[16], struct amx_tiles *tiles) {
  // Three bytes of VEX of 128 bits and W0, then the opcode and ModRM.
  if (code[0] != 0xc4 || (code[1] & 31) != 2 || (code[2] & 0x84) != 0) return 0;
  const int prefix = code[2] & 3, opcode = code[3];
  if (opcode != 0x49 && opcode != 0x4b && opcode != 0x5c && opcode != 0x5e) return 0;
  const int r = code[1] & 0x80 ? 0 : 8, x = code[1] & 0x40 ? 0 : 8, b = code[1] & 0x20 ? 0 : 8;
  const int third = ~(code[2] >> 3) & 15;
  const int mode = code[4] >> 6, reg = (code[4] >> 3 & 7) | r, rm = code[4] & 7;
  // There are eight tiles, and no field extends their numbers.
  if (reg > 7) return 0;

  if (opcode == 0x5c || opcode == 0x5e) {
    if (mode != 3 || x != 0 || b != 0 || third > 7 || (opcode == 0x5c && prefix != xf3)) return 0;
    return multiply(tiles, opcode, prefix, reg, rm, third) ? 5 : 0;
  }
  if (third != 0) return 0;
  if (mode == 3) {
    if (opcode != 0x49 || x != 0) return 0;
    if (prefix == none && reg == 0 && rm == 0 && b == 0) {
      release(tiles);
      return 5;
    }
    if (prefix != xf2 || rm != 0 || b != 0 || !has_shape(tiles, reg)) return 0;
    memset(row_of(tiles, reg, 0), 0, tile_bytes);
    return 5;
  }
  const struct instruction_operand operand = instruction_trap_operand(code + 4, x, b, general);
  const int length = 4 + operand.length;
  if (opcode == 0x49) {
    if (prefix != none || reg != 0) return 0;
    const uint64_t address = operand.base + operand.index;
    return configure(tiles, (const uint8_t *)(uintptr_t)address) ? length : 0;
  }
  // The index is what lies between rows.
  if (prefix == none || !operand.has_sib || !has_shape(tiles, reg)) return 0;
  if (prefix != xf3) memset(row_of(tiles, reg, 0), 0, tile_bytes);
  for (int row = 0; row < tiles->rows[reg]; row++) {
    void *memory = (void *)(uintptr_t)(operand.base + (uint64_t)row * operand.index);
    if (prefix == xf3)
      memcpy(memory, row_of(tiles, reg, row), tiles->bytes[reg]);
    else
      memcpy(row_of(tiles, reg, row), memory, tiles->bytes[reg]);
  }
  return length;
}
