#define _GNU_SOURCE
#include "avxvnni_trap.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

// Where XSAVE's standard format has what, in the frame of a signal: Intel SDM, volume 1, section
// 13.4, and Linux, arch/x86/include/uapi/asm/sigcontext.h.
enum {
  xmm_offset = 160,
  magic_offset = 464,
  features_offset = 512,
  sse_and_avx = 6,
};
static const uint32_t magic = 0x46505853;

static struct sigaction previous;
static unsigned upper_offset;
static atomic_uint_fast64_t count;

static const int places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                               REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/// Does the instruction that was trapped, and those of its kind that follow it; returns how many.
static unsigned resume(ucontext_t *context) {
  greg_t *general = context->uc_mcontext.gregs;
  uint8_t *area = (uint8_t *)context->uc_mcontext.fpregs;
  uint32_t found;
  memcpy(&found, area + magic_offset, sizeof found);
  if (found != magic) return 0;
  uint64_t features;
  memcpy(&features, area + features_offset, sizeof features);

  // What is not marked as in use is zero, whatever the memory holds.
  struct avxvnni_registers registers;
  memset(&registers, 0, sizeof registers);
  for (int i = 0; i < 16; i++) {
    registers.general[i] = (uint64_t)general[places[i]];
    if (features & 2) memcpy(registers.ymm[i], area + xmm_offset + 16 * i, 16);
    if (features & 4) memcpy(registers.ymm[i] + 16, area + upper_offset + 16 * i, 16);
  }
  unsigned done = 0;
  for (;; done++) {
    const int length = avxvnni_execute((const uint8_t *)general[REG_RIP], &registers);
    if (length == 0) break;
    general[REG_RIP] += length;
  }
  if (done == 0) return 0;
  for (int i = 0; i < 16; i++) {
    memcpy(area + xmm_offset + 16 * i, registers.ymm[i], 16);
    memcpy(area + upper_offset + 16 * i, registers.ymm[i] + 16, 16);
  }
  features |= sse_and_avx;
  memcpy(area + features_offset, &features, sizeof features);
  return done;
}

static void handle(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)info;
  const unsigned done = resume(context);
  if (done > 0)
    atomic_fetch_add(&count, done);
  else
    sigaction(SIGILL, &previous, NULL);  // The instruction is met again, and ends as it did before.
}

static int installed;

static void install(void) {
  unsigned size, c, d;
  // Leaf 13, subleaf 2: where the upper halves of the ymm registers are.
  if (!__get_cpuid_count(13, 2, &size, &upper_offset, &c, &d) || size != 256) return;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  installed = sigaction(SIGILL, &action, &previous) == 0;
}

int avxvnni_trap_install(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  return installed;
}

uint64_t avxvnni_trap_count(void) { return atomic_load(&count); }
#else
int avxvnni_trap_install(void) { return 0; }
uint64_t avxvnni_trap_count(void) { return 0; }
#endif
