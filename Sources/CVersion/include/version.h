/* What of a build is not in its sources. */
#ifndef VITC_VERSION_H
#define VITC_VERSION_H

/* The commit that vitc was built from, as 40 hexadecimal digits, or NULL where nobody told. */
const char *vitc_commit(void);

/* The version of the linker that is a part of this program, such as "LLD 14.0.6", which runs where the
 * first argument is VITC_LINKER_ARGUMENT; NULL where none is. `make dist` adds one: Scripts/dist. */
const char *vitc_linker(void);

#define VITC_LINKER_ARGUMENT "--ld"

#endif
