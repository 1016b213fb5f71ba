// SHA-256 (FIPS 180-4) of bytes that come in parts.
//
// A target of ours since no library that vitc links has it; with the processor's own instructions
// (SHA-NI) where it has them, a gigabyte takes half a second instead of three.
#ifndef VITC_CSHA256_H
#define VITC_CSHA256_H

#include <stddef.h>
#include <stdint.h>

/// The size of a digest.
enum { CSHA256_BYTES = 32 };

/// A digest in the making.
typedef struct {
  /// The chaining value.
  uint32_t state[8];
  /// How many bytes came so far.
  uint64_t count;
  /// The last bytes that do not fill a block of 64 yet.
  uint8_t rest[64];
  /// 1 iff blocks go through the processor's own instructions.
  int32_t hardware;
} csha256;

/// Begins a digest. `portable`: 1 to leave the processor's own instructions unused.
void csha256_begin(csha256 *digest, int32_t portable);

/// Takes more bytes.
void csha256_add(csha256 *digest, const void *bytes, size_t count);

/// Writes the digest of all bytes; it is to be begun anew then.
void csha256_end(csha256 *digest, uint8_t result[CSHA256_BYTES]);

/// 1 iff this processor has instructions for SHA-256 that are used here.
int32_t csha256_has_hardware(void);

#endif
