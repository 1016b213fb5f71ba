#include "version.h"

#include <stddef.h>

const char *vitc_commit(void) {
#ifdef VITC_COMMIT
  return VITC_COMMIT;
#else
  return NULL;
#endif
}

__attribute__((weak)) const char *vitc_linker(void) { return NULL; }
