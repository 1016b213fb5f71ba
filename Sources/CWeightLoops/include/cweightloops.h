// The loops that vitc runs over all weights of a model, for AVX2 where the processor has it.
//
// Swift compiles for the first x86-64, whose vectors are half as long, and cannot compile one function for a
// newer processor. Both ways through each loop do the same operations on each element
// in the same order, without fused multiply-adds, so that a library is the same from any machine.
#ifndef VITC_CWEIGHTLOOPS_H
#define VITC_CWEIGHTLOOPS_H

#include <stddef.h>
#include <stdint.h>

/// The vectors that lie side by side in `cwl_hadamard`.
enum { CWL_LANES = 4 };

/// 1 iff this processor has AVX2, which is used then. All functions take `portable`: 1 to leave it
/// unused.
int32_t cwl_has_avx2(void);

/// Keeps the memory that tensors leave for the next ones.
///
/// glibc gives it back to the system, and asks for zeroed pages again: a tenth of the time that
/// ViT-L/16 takes to compile. Arrays of more than 32 MB go their own way; musl has no such choice.
void cwl_keep_memory(void);

/// y[i] = offset + scale * u, u one of 2^24 numbers in [-1, 1): the upper bits of SplitMix64's
/// finalizer of `first + i * step`.
void cwl_seeded(float *y, size_t count, uint64_t first, uint64_t step, double offset, double scale,
                int32_t portable);

/// The largest `bits & 0x7fffffff` of the elements.
uint32_t cwl_largest_bits(const float *x, size_t count, int32_t portable);

/// The sum of the integers nearest to x[i] / scale, which must hold in floats.
double cwl_integer_sum(const float *x, size_t count, float scale, int32_t portable);

/// Writes the integers nearest to x[i] / scale, none beyond -128 ... 127: groups of four, `step`
/// bytes from one to the next; zeros fill the last group.
void cwl_put_integers(int8_t *y, size_t step, const float *x, size_t count, float scale,
                      int32_t portable);

/// The fast Walsh-Hadamard transform of four vectors of `count` numbers, four of each row: levels of
/// the distances `rest`, 2 `rest`, ... below `count`.
void cwl_hadamard(double *rows, size_t count, size_t rest, int32_t portable);

/// Multiplies each number by `factor`, then replaces each `rest` rows x by the sums over b of
/// x[b] * table[b * rest + c], in the order of b. `sums` has room for 4 * rest numbers.
void cwl_cosines(double *rows, size_t count, const double *table, size_t rest, double factor,
                 double *sums, int32_t portable);

/// Takes four vectors of `count` neighbours, `stride` from one vector to the next.
void cwl_take_lines(double *rows, const float *x, size_t count, size_t stride, int32_t portable);

/// Takes four vectors that lie side by side, `stride` from one element of each to its next.
void cwl_take_columns(double *rows, const float *x, size_t count, size_t stride, int32_t portable);

/// Hands out what `cwl_take_lines` takes, times `factor`.
void cwl_put_lines(float *y, const double *rows, size_t count, size_t stride, double factor,
                   int32_t portable);

/// Hands out what `cwl_take_columns` takes, times `factor`.
void cwl_put_columns(float *y, const double *rows, size_t count, size_t stride, double factor,
                     int32_t portable);

/// sums[i] += x[i]
void cwl_add(double *sums, const float *x, size_t count, int32_t portable);

/// y[i] = x[i] - means[i], rounded once.
void cwl_subtract(float *y, const float *x, const double *means, size_t count, int32_t portable);

/// The sum of w[i] * means[i], and that of w[i]^2 * variances[i].
typedef struct {
  double mean, variance;
} cwl_moments_result;

/// Sums in four lanes, what is left in the first of them.
cwl_moments_result cwl_moments(const float *w, const double *means, const double *variances,
                               size_t count, int32_t portable);

#endif
