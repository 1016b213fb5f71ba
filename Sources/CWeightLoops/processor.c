#include <stdatomic.h>

#include "cweightloops.h"

#if defined(__x86_64__)
#include <cpuid.h>

static int32_t ask(void) {
  unsigned a, b, c, d;
  // CPUID 1: OSXSAVE is bit 27 and AVX bit 28 of ECX; CPUID 7: AVX2 is bit 5 of EBX. XCR0: the
  // kernel keeps the halves of ymm registers by bits 1 and 2.
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27) || !(c & 1u << 28)) return 0;
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6) != 6) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 5) ? 1 : 0;
}

int32_t cwl_has_avx2(void) {
  // CPUID takes a microsecond, and twenty in a virtual machine. 0: nobody has asked yet.
  static atomic_int known;
  int answer = atomic_load_explicit(&known, memory_order_relaxed);
  if (answer == 0) {
    answer = 1 + ask();
    atomic_store_explicit(&known, answer, memory_order_relaxed);
  }
  return answer - 1;
}
#else
int32_t cwl_has_avx2(void) { return 0; }
#endif
