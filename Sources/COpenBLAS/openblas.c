#define _GNU_SOURCE
#include "openblas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

// CBLAS's constants and prototypes, and Fortran's, where everything is passed by address.
enum { kRowMajor = 101, kNoTranspose = 111, kTranspose = 112 };
static struct {
  void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float,
                float *, int);
  void (*dgemm)(int, int, int, int, int, int, double, const double *, int, const double *, int,
                double, double *, int);
  void (*dsyevd)(const char *, const char *, const int *, double *, const int *, double *, double *,
                 const int *, int *, const int *, int *);
  void (*dgesdd)(const char *, const int *, const int *, double *, const int *, double *, double *,
                 const int *, double *, const int *, double *, const int *, int *, int *);
  void (*dpotrf)(const char *, const int *, double *, const int *, int *);
  void (*dtrtri)(const char *, const char *, const int *, double *, const int *, int *);
  int (*get_num_threads)(void);
  void (*set_num_threads)(int);
} blas;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char fault[512];
static int is_loaded;

// Each call that runs at the same time as others takes a buffer of its own. Where address space is
// limited one follows the other, so that the buffer of the first call is all that is ever needed.
static int takes_turns;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static void begin_call(void) {
  if (takes_turns) pthread_mutex_lock(&turn);
}
static void end_call(void) {
  if (takes_turns) pthread_mutex_unlock(&turn);
}

static void *wait_for_gate(void *gate) {
  pthread_mutex_lock(gate);
  pthread_mutex_unlock(gate);
  return NULL;
}

/// Whether so many threads may be started now: OpenBLAS ends the process where it cannot start one.
static int can_start(int count) {
  enum { kMost = 1024 };
  if (count > kMost) count = kMost;
  pthread_t threads[kMost];
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  int started = 0;
  pthread_mutex_lock(&gate);
  while (started < count && pthread_create(&threads[started], NULL, wait_for_gate, &gate) == 0)
    ++started;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < started; ++i) pthread_join(threads[i], NULL);
  return started == count;
}

/// Whether so many bytes can be mapped now: without them OpenBLAS tries for ever, or ends the
/// process.
static int can_map(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return 0;
  munmap(memory, bytes);
  return 1;
}

static int is_limited(int resource) {
  struct rlimit limit;
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

static void *find(void *library, const char *name) {
  void *function = dlsym(library, name);
  if (function == NULL) snprintf(fault, sizeof fault, "OpenBLAS has no '%s'", name);
  return function;
}

static void load(void) {
  // Measured of version 0.3.21: 180 MB of address space with one thread.
  const size_t needed = (size_t)256 << 20;
  cpu_set_t set;
  int processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  takes_turns = is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA);
  if (takes_turns && !can_map(needed)) {
    snprintf(fault, sizeof fault,
             "OpenBLAS needs %zu MB of address space: raise the limit (ulimit -v)", needed >> 20);
    return;
  }
  if (takes_turns || !can_start(processors - 1)) setenv("OPENBLAS_NUM_THREADS", "1", 1);
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(fault, sizeof fault, "OpenBLAS cannot be loaded: %s", dlerror());
    return;
  }
  *(void **)&blas.sgemm = find(library, "cblas_sgemm");
  *(void **)&blas.dgemm = find(library, "cblas_dgemm");
  *(void **)&blas.dsyevd = find(library, "dsyevd_");
  *(void **)&blas.dgesdd = find(library, "dgesdd_");
  *(void **)&blas.dpotrf = find(library, "dpotrf_");
  *(void **)&blas.dtrtri = find(library, "dtrtri_");
  *(void **)&blas.get_num_threads = find(library, "openblas_get_num_threads");
  *(void **)&blas.set_num_threads = find(library, "openblas_set_num_threads");
  is_loaded = blas.sgemm && blas.dgemm && blas.dsyevd && blas.dgesdd && blas.dpotrf &&
              blas.dtrtri && blas.get_num_threads && blas.set_num_threads;
  if (is_loaded && takes_turns) {
    // The buffer is taken now, while there is room for it.
    enum { kSize = 128 };
    static float a[kSize * kSize], b[kSize * kSize], c[kSize * kSize];
    blas.sgemm(kRowMajor, kNoTranspose, kNoTranspose, kSize, kSize, kSize, 1, a, kSize, b, kSize, 0,
               c, kSize);
  }
}

const char *vitc_blas_fault(void) {
  pthread_once(&once, load);
  return is_loaded ? NULL : fault;
}

void vitc_blas_sgemm(int transposes_a, int transposes_b, int m, int n, int k, float alpha,
                     const float *a, int a_stride, const float *b, int b_stride, float beta,
                     float *c, int c_stride) {
  pthread_once(&once, load);
  begin_call();
  blas.sgemm(kRowMajor, transposes_a ? kTranspose : kNoTranspose,
             transposes_b ? kTranspose : kNoTranspose, m, n, k, alpha, a, a_stride, b, b_stride,
             beta, c, c_stride);
  end_call();
}

void vitc_blas_dgemm(int transposes_a, int transposes_b, int m, int n, int k, double alpha,
                     const double *a, int a_stride, const double *b, int b_stride, double beta,
                     double *c, int c_stride) {
  pthread_once(&once, load);
  begin_call();
  blas.dgemm(kRowMajor, transposes_a ? kTranspose : kNoTranspose,
             transposes_b ? kTranspose : kNoTranspose, m, n, k, alpha, a, a_stride, b, b_stride,
             beta, c, c_stride);
  end_call();
}

int vitc_blas_dsyevd(int n, double *a, double *values) {
  pthread_once(&once, load);
  // Either triangle holds the whole of a symmetric matrix, and Fortran's columns are our rows.
  const char wants_vectors = 'V', triangle = 'U';
  double size = 0;
  int integers = 0, info = 0;
  const int query = -1;
  begin_call();
  blas.dsyevd(&wants_vectors, &triangle, &n, a, &n, values, &size, &query, &integers, &query,
              &info);
  int count = (int)size;
  double *work = info == 0 ? malloc(sizeof(double) * (size_t)count) : NULL;
  int *more = work ? malloc(sizeof(int) * (size_t)integers) : NULL;
  if (more)
    blas.dsyevd(&wants_vectors, &triangle, &n, a, &n, values, work, &count, more, &integers, &info);
  else if (info == 0)
    info = -1;
  free(more);
  free(work);
  end_call();
  return info;
}

int vitc_blas_dgesdd(int m, int n, double *a, double *s, double *u, double *vt, double *work,
                     int work_count, int *integers) {
  int info = 0;
  const int least = m < n ? m : n;
  pthread_once(&once, load);
  begin_call();
  blas.dgesdd("S", &m, &n, a, &m, s, u, &m, vt, &least, work, &work_count, integers, &info);
  end_call();
  return info;
}

int vitc_blas_dpotrf(char triangle, int n, double *a) {
  int info = 0;
  pthread_once(&once, load);
  begin_call();
  blas.dpotrf(&triangle, &n, a, &n, &info);
  end_call();
  return info;
}

int vitc_blas_dtrtri(char triangle, char diagonal, int n, double *a) {
  int info = 0;
  pthread_once(&once, load);
  begin_call();
  blas.dtrtri(&triangle, &diagonal, &n, a, &n, &info);
  end_call();
  return info;
}

int vitc_blas_threads(void) { return vitc_blas_fault() ? 1 : blas.get_num_threads(); }

void vitc_blas_set_threads(int count) {
  if (vitc_blas_fault() == NULL) blas.set_num_threads(count);
}
