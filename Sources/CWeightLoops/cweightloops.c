#include "cweightloops.h"

#include <string.h>

#include "dispatch.h"

// Sums of products are rounded after each operation on every processor.
#pragma STDC FP_CONTRACT OFF

// Vectors that may lie at any number, and the integers of their bits. Compilers make two of one
// where the processor has none as long.
typedef double doubles __attribute__((vector_size(32), aligned(8)));
typedef float quad __attribute__((vector_size(16), aligned(4)));
typedef float floats __attribute__((vector_size(32), aligned(4)));
typedef int32_t integers __attribute__((vector_size(32), aligned(4)));
typedef int8_t bytes __attribute__((vector_size(8), aligned(1)));

// 3 * 2^22: a sum with it has no room for a fraction, and the integer in its last bits.
static const float without_fraction = 12582912;

BODY void seeded(float *y, size_t count, uint64_t first, uint64_t step, double offset,
                 double scale) {
  for (size_t i = 0; i < count; i++) {
    uint64_t z = first + i * step;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    float u = (float)(int32_t)(z >> 40) * 0x1p-23f - 1;
    y[i] = (float)(offset + scale * (double)u);
  }
}
LOOP(void, seeded,
          (float *y, size_t count, uint64_t first, uint64_t step, double offset, double scale),
          (y, count, first, step, offset, scale))

BODY uint32_t largest_bits(const float *x, size_t count) {
  int32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    int32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    bits &= 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return (uint32_t)largest;
}
LOOP(uint32_t, largest_bits, (const float *x, size_t count), (x, count))

BODY double integer_sum(const float *x, size_t count, float scale) {
  floats sums = {0};
  size_t whole = count / 8 * 8;
  for (size_t i = 0; i < whole; i += 8)
    sums += (*(const floats *)(x + i) / scale + without_fraction) - without_fraction;
  for (size_t i = whole; i < count; i++)
    sums[0] += (x[i] / scale + without_fraction) - without_fraction;
  double sum = 0;
  for (int lane = 0; lane < 8; lane++) sum += sums[lane];
  return sum;
}
LOOP(double, integer_sum, (const float *x, size_t count, float scale),
     (x, count, scale))

// Keeps elements whose mask is set, and replaces the others.
BODY void limit(floats *x, const integers *mask, float bound) {
  floats bounds = {bound, bound, bound, bound, bound, bound, bound, bound};
  *x = (floats)(((integers)*x & *mask) | ((integers)bounds & ~*mask));
}

// Eight integers, from numbers that lie anywhere.
BODY bytes eight_integers(const float *x, float scale) {
  floats q = (*(const floats *)x / scale + without_fraction) - without_fraction;
  // What is not a number becomes 127, as of `min` and `max`.
  integers mask = q < 127.0f;
  limit(&q, &mask, 127);
  mask = q > -128.0f;
  limit(&q, &mask, -128);
  return __builtin_convertvector((integers)(q + without_fraction), bytes);
}

BODY void put_integers(int8_t *y, size_t step, const float *x, size_t count, float scale) {
  size_t whole = count / 8 * 8;
  for (size_t i = 0; i < whole; i += 8, y += 2 * step) {
    bytes q = eight_integers(x + i, scale);
    memcpy(y, &q, 4);
    memcpy(y + step, (const int8_t *)&q + 4, 4);
  }
  if (whole == count) return;
  // x / scale is 0 for zeros.
  float rest[8] = {0};
  memcpy(rest, x + whole, (count - whole) * sizeof *x);
  bytes q = eight_integers(rest, scale);
  memcpy(y, &q, 4);
  if (count - whole > 4) memcpy(y + step, (const int8_t *)&q + 4, 4);
}
LOOP(void, put_integers,
          (int8_t *y, size_t step, const float *x, size_t count, float scale),
          (y, step, x, count, scale))

// Three levels of the transform, of eight rows that are `d` apart.
BODY void eight(doubles *x, size_t d) {
  doubles a0 = x[0], a1 = x[d], a2 = x[2 * d], a3 = x[3 * d];
  doubles a4 = x[4 * d], a5 = x[5 * d], a6 = x[6 * d], a7 = x[7 * d];
  doubles b0 = a0 + a1, b1 = a0 - a1, b2 = a2 + a3, b3 = a2 - a3;
  doubles b4 = a4 + a5, b5 = a4 - a5, b6 = a6 + a7, b7 = a6 - a7;
  doubles c0 = b0 + b2, c1 = b1 + b3, c2 = b0 - b2, c3 = b1 - b3;
  doubles c4 = b4 + b6, c5 = b5 + b7, c6 = b4 - b6, c7 = b5 - b7;
  x[0] = c0 + c4, x[d] = c1 + c5, x[2 * d] = c2 + c6, x[3 * d] = c3 + c7;
  x[4 * d] = c0 - c4, x[5 * d] = c1 - c5, x[6 * d] = c2 - c6, x[7 * d] = c3 - c7;
}

BODY void hadamard(double *rows, size_t count, size_t rest) {
  doubles *x = (doubles *)rows;
  size_t d = rest;
  for (; 8 * d <= count; d *= 8)
    for (size_t first = 0; first < count; first += 8 * d)
      for (size_t i = first; i < first + d; i++) eight(x + i, d);
  for (; 2 * d <= count; d *= 2)
    for (size_t first = 0; first < count; first += 2 * d)
      for (size_t i = first; i < first + d; i++) {
        doubles a = x[i], b = x[i + d];
        x[i] = a + b;
        x[i + d] = a - b;
      }
}
LOOP(void, hadamard, (double *rows, size_t count, size_t rest),
          (rows, count, rest))

BODY void cosines(double *rows, size_t count, const double *table, size_t rest, double factor,
                  double *sums) {
  doubles *x = (doubles *)rows, *y = (doubles *)sums;
  for (size_t first = 0; first < count; first += rest, x += rest) {
    for (size_t b = 0; b < rest; b++) x[b] *= factor;
    for (size_t c = 0; c < rest; c++) {
      doubles sum = {0};
      for (size_t b = 0; b < rest; b++) sum += x[b] * table[b * rest + c];
      y[c] = sum;
    }
    memcpy(x, y, rest * sizeof *x);
  }
}
LOOP(void, cosines,
          (double *rows, size_t count, const double *table, size_t rest, double factor, double *sums),
     (rows, count, table, rest, factor, sums))

// Replaces the lines of four rows of four by their columns.
BODY void transpose(quad x[4]) {
  quad a = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5);
  quad b = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5);
  quad c = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
  quad d = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
  x[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  x[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  x[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  x[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

BODY void take_lines(double *rows, const float *x, size_t count, size_t stride) {
  size_t whole = count / 4 * 4;
  doubles *to = (doubles *)rows;
  for (size_t i = 0; i < whole; i += 4) {
    quad lines[4];
    for (int lane = 0; lane < 4; lane++) lines[lane] = *(const quad *)(x + lane * stride + i);
    transpose(lines);
    for (int k = 0; k < 4; k++) to[i + k] = __builtin_convertvector(lines[k], doubles);
  }
  for (size_t i = whole; i < count; i++)
    for (int lane = 0; lane < 4; lane++) rows[4 * i + lane] = x[lane * stride + i];
}
LOOP(void, take_lines,
          (double *rows, const float *x, size_t count, size_t stride),
          (rows, x, count, stride))

BODY void take_columns(double *rows, const float *x, size_t count, size_t stride) {
  doubles *to = (doubles *)rows;
  for (size_t i = 0; i < count; i++)
    to[i] = __builtin_convertvector(*(const quad *)(x + i * stride), doubles);
}
LOOP(void, take_columns,
          (double *rows, const float *x, size_t count, size_t stride),
          (rows, x, count, stride))

BODY void put_lines(float *y, const double *rows, size_t count, size_t stride, double factor) {
  size_t whole = count / 4 * 4;
  const doubles *from = (const doubles *)rows;
  for (size_t i = 0; i < whole; i += 4) {
    quad lines[4];
    for (int k = 0; k < 4; k++) lines[k] = __builtin_convertvector(from[i + k] * factor, quad);
    transpose(lines);
    for (int lane = 0; lane < 4; lane++) *(quad *)(y + lane * stride + i) = lines[lane];
  }
  for (size_t i = whole; i < count; i++)
    for (int lane = 0; lane < 4; lane++)
      y[lane * stride + i] = (float)(rows[4 * i + lane] * factor);
}
LOOP(void, put_lines,
          (float *y, const double *rows, size_t count, size_t stride, double factor),
          (y, rows, count, stride, factor))

BODY void put_columns(float *y, const double *rows, size_t count, size_t stride, double factor) {
  const doubles *from = (const doubles *)rows;
  for (size_t i = 0; i < count; i++)
    *(quad *)(y + i * stride) = __builtin_convertvector(from[i] * factor, quad);
}
LOOP(void, put_columns,
          (float *y, const double *rows, size_t count, size_t stride, double factor),
          (y, rows, count, stride, factor))

BODY void add(double *sums, const float *x, size_t count) {
  for (size_t i = 0; i < count; i++) sums[i] += x[i];
}
LOOP(void, add, (double *sums, const float *x, size_t count), (sums, x, count))

BODY void subtract(float *y, const float *x, const double *means, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = (float)(x[i] - means[i]);
}
LOOP(void, subtract,
          (float *y, const float *x, const double *means, size_t count),
          (y, x, means, count))

BODY cwl_moments_result moments(const float *w, const double *means, const double *variances,
                                size_t count) {
  doubles mean = {0}, variance = {0};
  size_t whole = count / 4 * 4;
  for (size_t k = 0; k < whole; k += 4) {
    doubles x = __builtin_convertvector(*(const quad *)(w + k), doubles);
    mean += x * *(const doubles *)(means + k);
    variance += x * x * *(const doubles *)(variances + k);
  }
  for (size_t k = whole; k < count; k++) {
    double x = w[k];
    mean[0] += x * means[k];
    variance[0] += x * x * variances[k];
  }
  cwl_moments_result result = {mean[0] + mean[1] + mean[2] + mean[3],
                               variance[0] + variance[1] + variance[2] + variance[3]};
  return result;
}
LOOP(cwl_moments_result, moments,
     (const float *w, const double *means, const double *variances, size_t count),
     (w, means, variances, count))
