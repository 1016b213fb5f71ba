#define _GNU_SOURCE
#include "instruction_trap.h"

#if defined(__x86_64__) && defined(__linux__)
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

enum { most = 4 };
static _Atomic(instruction_trap) emulators[most];
static struct sigaction previous;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int installed;

static void handle(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)info;
  for (int i = 0; i < most; i++) {
    const instruction_trap emulator = atomic_load(&emulators[i]);
    if (emulator != NULL && emulator(context) > 0) return;
  }
  sigaction(SIGILL, &previous, NULL);  // The instruction is met again, and ends as it did before.
}

int instruction_trap_install(instruction_trap emulator) {
  int result = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < most && !result; i++) {
    const instruction_trap found = atomic_load(&emulators[i]);
    if (found != NULL && found != emulator) continue;
    atomic_store(&emulators[i], emulator);
    result = 1;
  }
  if (result && !installed) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    installed = sigaction(SIGILL, &action, &previous) == 0;
  }
  pthread_mutex_unlock(&lock);
  return result && installed;
}

static const int places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                               REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static greg_t *general(void *context) { return ((ucontext_t *)context)->uc_mcontext.gregs; }

const uint8_t *instruction_trap_place(void *context) {
  return (const uint8_t *)general(context)[REG_RIP];
}

void instruction_trap_skip(void *context, int bytes) { general(context)[REG_RIP] += bytes; }

void instruction_trap_general(void *context, uint64_t registers[16]) {
  for (int i = 0; i < 16; i++) registers[i] = (uint64_t)general(context)[places[i]];
}
#else
int instruction_trap_install(instruction_trap emulator) { return (void)emulator, 0; }
#endif
