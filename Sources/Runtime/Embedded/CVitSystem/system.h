/* What the embedded runtime takes from libc, declared here so that it compiles for any Linux target
 * without that target's headers: only functions whose prototypes are the same on every 64-bit Linux
 * (no struct stat, no sigset_t). The constants are the kernel's, equal on x86-64 and AArch64. */
#ifndef VIT_SYSTEM_H
#define VIT_SYSTEM_H

#include "vit_abi.h"

/* Memory. */
void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void free(void *memory);
void *mmap(void *address, size_t bytes, int protection, int flags, int file, long offset);
int munmap(void *address, size_t bytes);
int madvise(void *address, size_t bytes, int advice);
int mincore(void *address, size_t bytes, unsigned char *pages);
int getpagesize(void);
#define VIT_PROT_READ 1
#define VIT_PROT_WRITE 2
#define VIT_MAP_SHARED 1
#define VIT_MAP_PRIVATE 2
#define VIT_MAP_ANONYMOUS 0x20
#define VIT_MADV_HUGEPAGE 14
#define VIT_MADV_POPULATE_READ 22 /* Linux 5.14; older kernels refuse it, which does no harm */

/* Files. */
int open(const char *path, int flags, ...);
int close(int file);
long lseek(int file, long offset, int whence);
long read(int file, void *bytes, size_t count);
long pread(int file, void *bytes, size_t count, long offset);
size_t strlen(const char *text);
int *__errno_location(void);
#define VIT_O_CLOEXEC 02000000
#define VIT_O_NONBLOCK 04000 /* so that opening a FIFO returns, if one takes the file's place */
#define VIT_O_NOCTTY 0400
#define VIT_SEEK_END 2

/* The environment: read when a model is made, never in a run. */
char *getenv(const char *name);

/* Which file an address comes from. */
typedef struct vit_dl_info {
  const char *file;
  void *base;
  const char *symbol;
  void *address;
} vit_dl_info;
int dladdr(const void *address, vit_dl_info *info);

/* Threads. */
int pthread_create(unsigned long *thread, const void *attributes, void *(*body)(void *),
                   void *argument);
int pthread_join(unsigned long thread, void **result);
int pthread_sigmask(int how, const void *set, void *old_set);
int sched_getaffinity(int process, size_t bytes, void *mask);
int getpid(void);
unsigned long pthread_self(void);
long syscall(long number, ...);
int clock_gettime(int clock, void *time);
#define VIT_CLOCK_MONOTONIC 1
#define VIT_SIG_SETMASK 2
#define VIT_SIGSET_BYTES 128

#if defined(__x86_64__)
#define VIT_SYS_FUTEX 202
#define VIT_SYS_STATX 332
#elif defined(__aarch64__)
#define VIT_SYS_FUTEX 98
#define VIT_SYS_STATX 291
#else
#error "the embedded runtime knows x86-64 and AArch64"
#endif
#define VIT_FUTEX_WAIT_PRIVATE 128
#define VIT_FUTEX_WAKE_PRIVATE 129

/* Swift does not call variadic C functions, hence these four. */
static inline int vit_open_to_read(const char *path) {
  return open(path, VIT_O_CLOEXEC | VIT_O_NONBLOCK | VIT_O_NOCTTY);
}

/* What is at a path: the S_IFMT bits of its mode, or 0 where the kernel does not say: no such
 * file, or a kernel before Linux 4.11. Asked before a file is opened, since opening a FIFO may wait
 * and opening a device may do anything. The words are those of struct statx, whose stx_mode is the
 * half word at byte 28. */
static inline uint32_t vit_file_type(const char *path) {
  uint64_t words[32];
  const int current_folder = -100, type = 1;
  if (syscall(VIT_SYS_STATX, current_folder, path, 0, type, words) != 0) return 0;
  return (uint32_t)(words[3] >> 32) & 0170000;
}
#define VIT_FILE_REGULAR 0100000
#define VIT_FILE_FOLDER 0040000

/* Sleeps while *word == expected; may return early, so callers test again. */
static inline void vit_futex_wait(void *word, uint32_t expected) {
  syscall(VIT_SYS_FUTEX, word, VIT_FUTEX_WAIT_PRIVATE, expected, (void *)0, (void *)0, 0);
}

static inline void vit_futex_wake_all(void *word) {
  syscall(VIT_SYS_FUTEX, word, VIT_FUTEX_WAKE_PRIVATE, 0x7fffffff, (void *)0, (void *)0, 0);
}

/* errno is a macro over a function. */
static inline int vit_errno(void) { return *__errno_location(); }

/* Register `index` (EAX, EBX, ECX, EDX) of a leaf of CPUID; 0 where there is no such leaf, since
 * asking beyond the highest returns some other leaf's data. */
static inline uint32_t vit_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t index) {
#if defined(__x86_64__)
  uint32_t words[4];
  __asm__ volatile("cpuid"
                   : "=a"(words[0]), "=b"(words[1]), "=c"(words[2]), "=d"(words[3])
                   : "a"(leaf & 0x80000000u), "c"(0));
  if (words[0] < leaf) return 0;
  __asm__ volatile("cpuid"
                   : "=a"(words[0]), "=b"(words[1]), "=c"(words[2]), "=d"(words[3])
                   : "a"(leaf), "c"(subleaf));
  return words[index & 3];
#else
  (void)leaf, (void)subleaf, (void)index;
  return 0;
#endif
}

/* The low half of XCR0: which registers the kernel keeps for each thread; 0 where XGETBV would
 * fault, since the kernel does not offer it (OSXSAVE, bit 27 of leaf 1's ECX). */
static inline uint32_t vit_xcr0(void) {
#if defined(__x86_64__)
  if ((vit_cpuid(1, 0, 2) & 1u << 27) == 0) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
#else
  return 0;
#endif
}

/* Whether the kernel keeps some registers, by their bit in XCR0, for processes that ask for them; and
 * asks it to do so for this one: 1 if it does. Linux 5.16; older kernels know of neither. */
#if defined(__x86_64__)
#define VIT_SYS_ARCH_PRCTL 158
#define VIT_GET_XCOMP_SUPP 0x1021
#define VIT_REQ_XCOMP_PERM 0x1023
static inline uint32_t vit_may_permit(uint32_t component) {
  uint64_t supported = 0;
  if (syscall(VIT_SYS_ARCH_PRCTL, VIT_GET_XCOMP_SUPP, &supported) != 0) return 0;
  return (uint32_t)(supported >> (component & 63)) & 1;
}
static inline uint32_t vit_permit(uint32_t component) {
  return syscall(VIT_SYS_ARCH_PRCTL, VIT_REQ_XCOMP_PERM, (unsigned long)component) == 0;
}
#else
static inline uint32_t vit_may_permit(uint32_t component) { return (void)component, 0; }
static inline uint32_t vit_permit(uint32_t component) { return (void)component, 0; }
#endif

/* The low half of an entry of the auxiliary vector; asked for on Arm only, where the processor's
 * own registers are not for programs to read. */
#if defined(__aarch64__)
unsigned long getauxval(unsigned long entry);
static inline uint32_t vit_auxiliary(uint32_t entry) { return (uint32_t)getauxval(entry); }
#else
static inline uint32_t vit_auxiliary(uint32_t entry) { return (void)entry, 0; }
#endif

/* The square root, by the instruction: compilers call libm's for the sake of errno. */
static inline double vit_sqrt(double value) {
  double root;
#if defined(__x86_64__)
  __asm__("sqrtsd %1, %0" : "=x"(root) : "x"(value));
#else
  __asm__("fsqrt %d0, %d1" : "=w"(root) : "w"(value));
#endif
  return root;
}

/* Puts the calling thread's floating-point unit into the state that every program starts in: rounds
 * to nearest, keeps subnormal numbers, raises no signal. Returns what vit_float_leave gives back. The
 * control bits and the exception flags are one register on x86-64, two on AArch64. */
static inline uint64_t vit_float_enter(void) {
#if defined(__x86_64__)
  uint32_t old;
  const uint32_t standard = 0x1f80; /* all exceptions masked, nothing else */
  __asm__ volatile("stmxcsr %0" : "=m"(old) : : "memory");
  __asm__ volatile("ldmxcsr %0" : : "m"(standard) : "memory");
  return old;
#else
  uint64_t control, flags;
  __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(control), "=r"(flags) : : "memory");
  /* Writing the control register stalls some cores, and it is zero in most programs. */
  if (control != 0) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0) : "memory");
  return control << 32 | (flags & 0xffffffffu);
#endif
}

/* Gives back the state that vit_float_enter found, flags included. */
static inline void vit_float_leave(uint64_t old) {
#if defined(__x86_64__)
  const uint32_t word = (uint32_t)old;
  __asm__ volatile("ldmxcsr %0" : : "m"(word) : "memory");
#else
  const uint64_t control = old >> 32, flags = old & 0xffffffffu;
  if (control != 0) __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory");
  __asm__ volatile("msr fpsr, %0" : : "r"(flags) : "memory");
#endif
}

/* Where the frame of the function that this is part of lies: lower the deeper the calls are. */
__attribute__((always_inline)) static inline size_t vit_frame_address(void) {
  return (size_t)__builtin_frame_address(0);
}

/* Calls `body` below words on the stack that tell, as long as they are whole, that the call has not
 * returned; `place` learns where they are. They are many, since a later call whose frames leave some
 * words of the stack as they were shall not leave all of these. */
#define VIT_MARK_WORDS 512
static inline size_t vit_mark(size_t i) { return (size_t)0x9e3779b97f4a7c15ull * (i + 1); }
static inline void vit_call_marked(size_t *place, void (*body)(void *), void *argument) {
  size_t words[VIT_MARK_WORDS];
  for (size_t i = 0; i < VIT_MARK_WORDS; ++i) words[i] = vit_mark(i);
  *place = (size_t)words;
  __asm__ volatile("" : : "r"(words) : "memory");
  body(argument);
  __asm__ volatile("" : : "r"(words) : "memory");
}

/* Whether the words at a place are whole. The stack that they were on may be gone, as those of
 * coroutines, so the kernel is asked. */
static inline int vit_is_marked(size_t place) {
  const size_t *words = (const size_t *)place;
  const size_t page_bytes = (size_t)getpagesize();
  const size_t start = place & ~(page_bytes - 1), end = place + sizeof(size_t) * VIT_MARK_WORDS;
  for (size_t page = start; page < end; page += page_bytes) {
    unsigned char is_in_memory;
    if (mincore((void *)page, 1, &is_in_memory) != 0) return 0;
  }
  for (size_t i = 0; i < VIT_MARK_WORDS; ++i) {
    if (words[i] != vit_mark(i)) return 0;
  }
  return 1;
}

/* The clock that never goes back; by the kernel's page in the process, tens of nanoseconds. */
static inline uint64_t vit_nanoseconds(void) {
  int64_t time[2] = {0, 0}; /* struct timespec of every 64-bit Linux */
  clock_gettime(VIT_CLOCK_MONOTONIC, time);
  return (uint64_t)time[0] * 1000000000u + (uint64_t)time[1];
}

/* Tells the core that this is a spin loop. */
static inline void vit_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("isb"); /* `yield` is a no-op on most AArch64 cores; `isb` waits ~10 ns */
#endif
}

#endif
