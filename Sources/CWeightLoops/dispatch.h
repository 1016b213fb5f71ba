// Two functions of one body, one of them for AVX2, and the choice among them.
#ifndef VITC_CWEIGHTLOOPS_DISPATCH_H
#define VITC_CWEIGHTLOOPS_DISPATCH_H

#include "cweightloops.h"

// A body, which is compiled as a part of each function that it is inlined to.
#define BODY static inline __attribute__((always_inline))

// Without the parentheses around a list.
#define BARE(...) __VA_ARGS__

// Defines cwl_NAME of the body NAME, with one more parameter, `portable`.
#if defined(__x86_64__)
#define LOOP(RESULT, NAME, PARAMETERS, ARGUMENTS)                                          \
  static RESULT NAME##_portable PARAMETERS { return NAME ARGUMENTS; }                      \
  __attribute__((target("avx2"))) static RESULT NAME##_avx2 PARAMETERS {                   \
    return NAME ARGUMENTS;                                                                 \
  }                                                                                        \
  RESULT cwl_##NAME(BARE PARAMETERS, int32_t portable) {                                   \
    return !portable && cwl_has_avx2() ? NAME##_avx2 ARGUMENTS : NAME##_portable ARGUMENTS; \
  }
#else
#define LOOP(RESULT, NAME, PARAMETERS, ARGUMENTS)        \
  RESULT cwl_##NAME(BARE PARAMETERS, int32_t portable) { \
    (void)portable;                                      \
    return NAME ARGUMENTS;                               \
  }
#endif

#endif
