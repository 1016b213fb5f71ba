/* What the embedded runtime takes from libc, declared here so that it compiles for any Linux target
 * without that target's headers: only functions whose prototypes are the same on every 64-bit Linux
 * (no struct stat, no sigset_t). The constants are the kernel's, equal on x86-64 and AArch64. */
#ifndef VIT_SYSTEM_H
#define VIT_SYSTEM_H

#include "vit_abi.h"

/* Memory. */
void *malloc(size_t bytes);
void free(void *memory);
void *mmap(void *address, size_t bytes, int protection, int flags, int file, long offset);
int munmap(void *address, size_t bytes);
int madvise(void *address, size_t bytes, int advice);
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
long pread(int file, void *bytes, size_t count, long offset);
long readlink(const char *path, char *target, size_t bytes);
size_t strlen(const char *text);
int *__errno_location(void);
#define VIT_O_RDONLY_CLOEXEC 02000000
#define VIT_SEEK_END 2

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
long syscall(long number, ...);
#define VIT_SIG_SETMASK 2
#define VIT_SIGSET_BYTES 128

#if defined(__x86_64__)
#define VIT_SYS_FUTEX 202
#elif defined(__aarch64__)
#define VIT_SYS_FUTEX 98
#else
#error "the embedded runtime knows x86-64 and AArch64"
#endif
#define VIT_FUTEX_WAIT_PRIVATE 128
#define VIT_FUTEX_WAKE_PRIVATE 129

/* Swift does not call variadic C functions, hence these three. */
static inline int vit_open_to_read(const char *path) { return open(path, VIT_O_RDONLY_CLOEXEC); }

/* Sleeps while *word == expected; may return early, so callers test again. */
static inline void vit_futex_wait(void *word, uint32_t expected) {
  syscall(VIT_SYS_FUTEX, word, VIT_FUTEX_WAIT_PRIVATE, expected, (void *)0, (void *)0, 0);
}

static inline void vit_futex_wake_all(void *word) {
  syscall(VIT_SYS_FUTEX, word, VIT_FUTEX_WAKE_PRIVATE, 0x7fffffff, (void *)0, (void *)0, 0);
}

/* errno is a macro over a function. */
static inline int vit_errno(void) { return *__errno_location(); }

/* Tells the core that this is a spin loop. */
static inline void vit_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("isb"); /* `yield` is a no-op on most AArch64 cores; `isb` waits ~10 ns */
#endif
}

#endif
