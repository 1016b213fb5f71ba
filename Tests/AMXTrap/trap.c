#include "amx_trap.h"

#if defined(__x86_64__) && defined(__linux__)
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "instruction_trap.h"

static _Thread_local struct amx_tiles tiles;
static _Thread_local uint8_t data[8 * 16 * 64];
static atomic_uint_fast64_t count, products;

static unsigned resume(void *context) {
  uint64_t general[16];
  instruction_trap_general(context, general);
  unsigned done = 0, multiplied = 0;
  tiles.data = data;
  for (;; done++) {
    const uint8_t *code = instruction_trap_place(context);
    const int length = amx_execute(code, general, &tiles);
    if (length == 0) break;
    multiplied += code[3] == 0x5c || code[3] == 0x5e;
    instruction_trap_skip(context, length);
  }
  atomic_fetch_add(&products, multiplied);
  atomic_fetch_add(&count, done);
  return done;
}

int amx_trap_install(void) {
  // ARCH_REQ_XCOMP_PERM of tile data: a processor with AMX then runs all of its instructions itself.
  syscall(SYS_arch_prctl, 0x1023, 18);
  return instruction_trap_install(resume);
}
uint64_t amx_trap_count(void) { return atomic_load(&count); }
uint64_t amx_trap_products(void) { return atomic_load(&products); }
int amx_trap_configured(void) { return tiles.is_configured; }
#else
int amx_trap_install(void) { return 0; }
uint64_t amx_trap_count(void) { return 0; }
uint64_t amx_trap_products(void) { return 0; }
int amx_trap_configured(void) { return 0; }
#endif
