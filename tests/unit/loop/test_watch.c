/* What a build with -Dloop_watch=true measures a loop's work with. */
#include "unit.h"

#include "loop/watch.h"

#include <time.h>
#include <unistd.h>

static int64_t cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void work_for(int64_t us) {
    for (int64_t until_us = cpu_us() + us; cpu_us() < until_us;) {}
}

/* What watch_end() says goes to standard error: into a pipe meanwhile. */
static size_t said_of(loop_watch *w, int64_t us, char *text, size_t room) {
    int ends[2], before = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    watch_begin(w);
    work_for(us);
    watch_end(w, "a piece");
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t n = read(ends[0], text, room - 1);
    close(ends[0]);
    assert_true(n >= 0);
    text[n] = '\0';
    return (size_t)n;
}

static void a_long_piece_is_told(void **state) {
    (void)state;
    char text[200];
    loop_watch w = {0};
    (void)said_of(&w, WATCH_MOST_US + 1000, text, sizeof text);
    assert_non_null(strstr(text, "loop watch: a piece took "));
    assert_true(w.longest_us > WATCH_MOST_US);
}

/* Each by itself: two short ones are no long one. */
static void short_pieces_are_not_told(void **state) {
    (void)state;
    char text[200];
    loop_watch w = {0};
    int64_t longest_us = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(said_of(&w, WATCH_MOST_US / 3, text, sizeof text), 0);
        if (longest_us) assert_true(w.longest_us >= longest_us);
        longest_us = w.longest_us;
    }
    assert_true(longest_us >= WATCH_MOST_US / 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_piece_is_told),
        cmocka_unit_test(short_pieces_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
