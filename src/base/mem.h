/* base/mem.h: heap allocation that never returns NULL.
 *
 * What others send is bounded by configuration before it is kept, so a failed allocation means
 * that the machine is out of memory: the process says so and aborts rather than run on with half a
 * state.
 */
#ifndef WEIR_BASE_MEM_H
#define WEIR_BASE_MEM_H

#include "base/attr.h"

#include <stddef.h>

/* Whether objects may be kept to be used again. Not under AddressSanitizer, which then could not
 * see a use after their end. */
#if defined(__SANITIZE_ADDRESS__)
enum { MEM_REUSE = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { MEM_REUSE = 0 };
#else
enum { MEM_REUSE = 1 };
#endif
#else
enum { MEM_REUSE = 1 };
#endif

/* Zeroed. Freed with free(). */
MUST_USE void *mem_zalloc(size_t size);
MUST_USE void *mem_zalloc_array(size_t count, size_t size);
/* The same, of a table that is read here and there: of many megabytes it has large pages, where the
 * system gives them, so that not each look finds the way to its page anew. */
MUST_USE void *mem_zalloc_table(size_t count, size_t size);
/* Not zeroed. */
MUST_USE void *mem_alloc(size_t size);
MUST_USE void *mem_realloc(void *ptr, size_t size);
/* NUL-terminated copy of len bytes. */
MUST_USE char *mem_strndup(const char *ptr, size_t len);

/* So much more is soon asked for, in small pieces, and kept: it comes from the system at once
 * rather than page by page. */
void mem_foresee(size_t size);

/* Overwrites in a way the compiler may not drop. */
void mem_wipe(void *ptr, size_t len);

#endif
