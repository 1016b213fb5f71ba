#define _GNU_SOURCE
#include "avxvnni_trap.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#include "instruction_trap.h"

// Where XSAVE's standard format has what, in the frame of a signal: Intel SDM, volume 1, section
// 13.4, and Linux, arch/x86/include/uapi/asm/sigcontext.h.
enum {
  xmm_offset = 160,
  magic_offset = 464,
  features_offset = 512,
  sse_and_avx = 6,
};
static const uint32_t magic = 0x46505853;

static atomic_uint upper_offset;
static atomic_uint_fast64_t count;

/// Does the instruction that was trapped, and those of its kind that follow it; returns how many.
static unsigned resume(void *context) {
  uint8_t *area = (uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs;
  uint32_t found;
  memcpy(&found, area + magic_offset, sizeof found);
  if (found != magic) return 0;
  uint64_t features;
  memcpy(&features, area + features_offset, sizeof features);
  const unsigned upper = atomic_load(&upper_offset);

  // What is not marked as in use is zero, whatever the memory holds.
  struct avxvnni_registers registers;
  memset(&registers, 0, sizeof registers);
  instruction_trap_general(context, registers.general);
  for (int i = 0; i < 16; i++) {
    if (features & 2) memcpy(registers.ymm[i], area + xmm_offset + 16 * i, 16);
    if (features & 4) memcpy(registers.ymm[i] + 16, area + upper + 16 * i, 16);
  }
  unsigned done = 0;
  for (;; done++) {
    const int length = avxvnni_execute(instruction_trap_place(context), &registers);
    if (length == 0) break;
    instruction_trap_skip(context, length);
  }
  if (done == 0) return 0;
  for (int i = 0; i < 16; i++) {
    memcpy(area + xmm_offset + 16 * i, registers.ymm[i], 16);
    memcpy(area + upper + 16 * i, registers.ymm[i] + 16, 16);
  }
  features |= sse_and_avx;
  memcpy(area + features_offset, &features, sizeof features);
  atomic_fetch_add(&count, done);
  return done;
}

int avxvnni_trap_install(void) {
  unsigned size, upper, c, d;
  // Leaf 13, subleaf 2: where the upper halves of the ymm registers are.
  if (!__get_cpuid_count(13, 2, &size, &upper, &c, &d) || size != 256) return 0;
  atomic_store(&upper_offset, upper);
  return instruction_trap_install(resume);
}

uint64_t avxvnni_trap_count(void) { return atomic_load(&count); }
#else
int avxvnni_trap_install(void) { return 0; }
uint64_t avxvnni_trap_count(void) { return 0; }
#endif
