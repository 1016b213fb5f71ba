// OpenBLAS, loaded when it is first used: as it is loaded it starts a thread for each processor and
// maps memory, which most of what vitc does has no use for, and it need not be installed for the rest.
#ifndef VITC_OPENBLAS_H
#define VITC_OPENBLAS_H

/// Loads OpenBLAS unless that was done; returns NULL, or in words why it cannot be used. Where it
/// cannot, none of the following functions may be called.
const char *vitc_blas_fault(void);

/// c = alpha * op(a) * op(b) + beta * c, all matrices by rows, `m` rows and `n` columns of c, sums of
/// `k` products; op transposes where asked to.
void vitc_blas_sgemm(int transposes_a, int transposes_b, int m, int n, int k, float alpha,
                     const float *a, int a_stride, const float *b, int b_stride, float beta,
                     float *c, int c_stride);

/// The same in double precision.
void vitc_blas_dgemm(int transposes_a, int transposes_b, int m, int n, int k, double alpha,
                     const double *a, int a_stride, const double *b, int b_stride, double beta,
                     double *c, int c_stride);

/// LAPACK's dsyevd: the eigenvalues of a symmetric matrix, ascending, and in its place the
/// eigenvectors, of norm 1, one a row. Returns `info`, 0 for success; -1 without memory.
int vitc_blas_dsyevd(int n, double *a, double *values);

/// LAPACK's dgesdd: the thin singular value decomposition `a = u * diag(s) * vt` of m x n numbers by
/// columns, which are destroyed; with r = min(m, n), `u` is m x r, `vt` r x n. `integers` has room
/// for 8 r. With a `work_count` of -1 only the count that is wanted is told, in `work[0]`. Returns
/// `info`, 0 for success.
int vitc_blas_dgesdd(int m, int n, double *a, double *s, double *u, double *vt, double *work,
                     int work_count, int *integers);

/// LAPACK's dpotrf and dtrtri, in place, of a matrix by columns; return `info`, 0 for success.
int vitc_blas_dpotrf(char triangle, int n, double *a);
int vitc_blas_dtrtri(char triangle, char diagonal, int n, double *a);

/// How many threads OpenBLAS uses for one call; 1 without it.
int vitc_blas_threads(void);
void vitc_blas_set_threads(int count);

#endif
