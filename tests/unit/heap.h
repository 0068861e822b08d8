/* A heap that tells on a test that leaves something on it, and that overwrites what is freed, so
 * that a plain build sees leaks and uses of what is gone too. Under a sanitizer, which sees more,
 * nothing of it is there. For tests that need no setup of their own.
 *
 *     struct CMUnitTest tests[] = {…};
 *     return run_watched(tests);
 */
#ifndef WEIR_TEST_HEAP_H
#define WEIR_TEST_HEAP_H

#include "sanitizer.h"
#include "unit.h"

#if UNDER_ASAN || UNDER_TSAN
#define run_watched_in(tests, set_up, tear_down) cmocka_run_group_tests(tests, set_up, tear_down)
#else

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>

/* set_up, tear_down: of the group. */
#define run_watched_in(tests, set_up, tear_down)                                                   \
    (heap_watch(tests, ARRAY_LEN(tests)), cmocka_run_group_tests(tests, set_up, tear_down))

/* glibc's own, behind those that a program may replace. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *ptr);

static atomic_long heap_blocks; /* that are in use */
static long heap_before;

static inline void *heap_counted(void *ptr) {
    if (ptr) atomic_fetch_add_explicit(&heap_blocks, 1, memory_order_relaxed);
    return ptr;
}

void *malloc(size_t size) {
    return heap_counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return heap_counted(__libc_calloc(count, size));
}

void *memalign(size_t alignment, size_t size) {
    return heap_counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size) {
    void *ptr = memalign(alignment, size);
    if (ptr) *ret = ptr;
    return ptr ? 0 : ENOMEM;
}

void free(void *ptr) {
    if (!ptr) return;
    atomic_fetch_sub_explicit(&heap_blocks, 1, memory_order_relaxed);
    memset(ptr, 0xA5, malloc_usable_size(ptr));
    __libc_free(ptr);
}

void *realloc(void *ptr, size_t size) {
    if (!ptr) return malloc(size);
    if (!size) {
        free(ptr);
        return NULL;
    }
    return __libc_realloc(ptr, size);
}

static inline int heap_note(void **state) {
    (void)state;
    heap_before = atomic_load(&heap_blocks);
    return 0;
}

/* What a process makes once is not left a second time. */
static inline int heap_check(void **state) {
    const struct CMUnitTest *test = *state;
    if (atomic_load(&heap_blocks) == heap_before) return 0;
    (void)heap_note(NULL);
    test->test_func(state);
    long left = atomic_load(&heap_blocks) - heap_before;
    if (left) print_error("%s leaves %ld blocks on the heap\n", test->name, left);
    return left != 0;
}

static inline void heap_watch(struct CMUnitTest *tests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (tests[i].setup_func || tests[i].teardown_func) fail_msg("%s is set up", tests[i].name);
        tests[i].setup_func = heap_note;
        tests[i].teardown_func = heap_check;
        tests[i].initial_state = &tests[i];
    }
}

#endif

#define run_watched(tests) run_watched_in(tests, NULL, NULL)

#endif
