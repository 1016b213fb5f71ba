#include "csha256.h"

#include <string.h>

// The fractional parts of the cube roots of the first 64 primes: FIPS 180-4, 4.2.2.
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotated(uint32_t x, int n) { return x >> n | x << (32 - n); }

// FIPS 180-4, 6.2.2.
static void portable_blocks(uint32_t state[8], const uint8_t *block, size_t count) {
  for (; count > 0; count--, block += 64) {
    uint32_t w[64];
    for (int t = 0; t < 16; t++)
      w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
             (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 64; t++) {
      uint32_t x = w[t - 15], y = w[t - 2];
      w[t] = w[t - 16] + (rotated(x, 7) ^ rotated(x, 18) ^ x >> 3) + w[t - 7] +
             (rotated(y, 17) ^ rotated(y, 19) ^ y >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
      uint32_t one = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) +
                     ((e & f) ^ (~e & g)) + constants[t] + w[t];
      uint32_t two =
          (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

int32_t csha256_has_hardware(void) {
  unsigned a, b, c, d;
  // CPUID 1: SSSE3 is bit 9 and SSE4.1 bit 19 of ECX; CPUID 7: SHA is bit 29 of EBX.
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 9) || !(c & 1u << 19)) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
}

// The instructions as Intel's manual describes them: SHA256RNDS2 does two rounds on the halves
// (A, B, E, F) and (C, D, G, H) of the state, SHA256MSG1 and SHA256MSG2 make the next four words.
__attribute__((target("sha,sse4.1,ssse3"))) static void hardware_blocks(
    uint32_t state[8], const uint8_t *block, size_t count) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
  __m128i dcba = _mm_loadu_si128((const __m128i *)state);
  __m128i hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
  dcba = _mm_shuffle_epi32(dcba, 0xb1);
  hgfe = _mm_shuffle_epi32(hgfe, 0x1b);
  __m128i abef = _mm_alignr_epi8(dcba, hgfe, 8);
  __m128i cdgh = _mm_blend_epi16(hgfe, dcba, 0xf0);
  for (; count > 0; count--, block += 64) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i words[4];
    for (int group = 0; group < 16; group++) {
      __m128i now;
      if (group < 4) {
        now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * group)), swap);
      } else {
        // Words t-16 ... t-13, and what the others add to them.
        __m128i last = words[(group + 3) & 3];
        __m128i sum = _mm_sha256msg1_epu32(words[group & 3], words[(group + 1) & 3]);
        sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, words[(group + 2) & 3], 4));
        now = _mm_sha256msg2_epu32(sum, last);
      }
      words[group & 3] = now;
      __m128i sum =
          _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)(constants + 4 * group)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#else
int32_t csha256_has_hardware(void) { return 0; }

static void hardware_blocks(uint32_t state[8], const uint8_t *block, size_t count) {
  portable_blocks(state, block, count);
}
#endif

static void blocks(csha256 *digest, const uint8_t *block, size_t count) {
  (digest->hardware ? hardware_blocks : portable_blocks)(digest->state, block, count);
}

void csha256_begin(csha256 *digest, int32_t portable) {
  // The fractional parts of the square roots of the first 8 primes: FIPS 180-4, 5.3.3.
  static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(digest->state, first, sizeof first);
  digest->count = 0;
  digest->hardware = !portable && csha256_has_hardware();
}

void csha256_add(csha256 *digest, const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  size_t filled = digest->count % 64;
  digest->count += count;
  if (filled > 0) {
    size_t part = count < 64 - filled ? count : 64 - filled;
    memcpy(digest->rest + filled, at, part);
    at += part, count -= part, filled += part;
    if (filled < 64) return;
    blocks(digest, digest->rest, 1);
  }
  blocks(digest, at, count / 64);
  if (count % 64 > 0) memcpy(digest->rest, at + count / 64 * 64, count % 64);
}

void csha256_end(csha256 *digest, uint8_t result[CSHA256_BYTES]) {
  // One bit, zeros, and the number of bits in the last 8 bytes of a block: FIPS 180-4, 5.1.1.
  uint64_t bits = digest->count * 8;
  uint8_t padding[72] = {0x80};
  size_t zeros = (119 - digest->count % 64) % 64;
  for (int i = 0; i < 8; i++) padding[1 + zeros + i] = (uint8_t)(bits >> (56 - 8 * i));
  csha256_add(digest, padding, 1 + zeros + 8);
  for (int i = 0; i < CSHA256_BYTES; i++)
    result[i] = (uint8_t)(digest->state[i / 4] >> (24 - 8 * (i % 4)));
}
