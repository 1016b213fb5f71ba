#include <cblas.h>

// LAPACK, which OpenBLAS carries; its header is another package's (liblapacke-dev). Fortran's
// interface: everything by address, matrices by columns.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info);
