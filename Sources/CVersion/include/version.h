/* What of a build is not in its sources. */
#ifndef VITC_VERSION_H
#define VITC_VERSION_H

/* The commit that vitc was built from, as 40 hexadecimal digits, or NULL where nobody told. */
const char *vitc_commit(void);

#endif
