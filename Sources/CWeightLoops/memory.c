#include <limits.h>
#include <malloc.h>

#include "cweightloops.h"

void cwl_keep_memory(void) {
#ifdef M_MMAP_THRESHOLD
  // The most that glibc takes.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}
