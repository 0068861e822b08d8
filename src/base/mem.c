#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

COLD _Noreturn static void fail(void) {
    fputs("weir: out of memory\n", stderr);
    abort();
}

static void *checked(void *ptr) {
    if (!ptr) fail();
    return ptr;
}

/* What is small is given, and given back, by glibc from a list of each thread's own, which its
 * calloc() does not look at before version 2.41. What is large may be fresh from the kernel, and
 * zeros already. */
void *mem_zalloc(size_t size) {
    enum { SMALL = 1024 };
    if (size > SMALL) return checked(calloc(1, size));
    void *ptr = mem_alloc(size);
    __asm__("" : "+r"(ptr)); /* or compilers make calloc() of the two */
    memset(ptr, 0, size);
    return ptr;
}

void *mem_zalloc_array(size_t count, size_t size) {
    return checked(calloc(count ? count : 1, size ? size : 1));
}

/* Zeros are written when the pages are what they are to be: memory that was given back before is
 * used again as it is. */
void *mem_zalloc_table(size_t count, size_t size) {
    enum { LARGE_PAGE = 2 * 1024 * 1024, WORTH = 2 };
    size_t bytes;
    void *ptr = NULL;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - LARGE_PAGE) fail();
    if (bytes < WORTH * LARGE_PAGE) return mem_zalloc_array(count, size);
    bytes = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    if (posix_memalign(&ptr, LARGE_PAGE, bytes)) fail();
    (void)madvise(ptr, bytes, MADV_HUGEPAGE); /* a kernel without them says no */
    memset(ptr, 0, bytes);
    return ptr;
}

void *mem_alloc(size_t size) {
    return checked(malloc(size ? size : 1));
}

void *mem_realloc(void *ptr, size_t size) {
    return checked(realloc(ptr, size ? size : 1));
}

char *mem_strndup(const char *ptr, size_t len) {
    char *copy = mem_alloc(len + 1);
    if (len) memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

/* glibc's memory of a thread grows by what is asked for, a system call for each page; what is given
 * back at its end stays, up to 64 KiB at a time. */
void mem_foresee(size_t size) {
    void *ptr = mem_alloc(size);
    __asm__("" : "+r"(ptr)); /* or compilers leave out both */
    free(ptr);
}

void mem_wipe(void *ptr, size_t len) {
    if (len) explicit_bzero(ptr, len); /* of nothing the address may be NULL */
}
