/* Commands that give keys: good ones, failing ones, ones that hang, ones that never stop talking.
 */
#include "unit.h"

#include "base/clock.h"
#include "config/config.h"
#include "config/sources.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static arena scratch;

static int set_up(void **state) {
    (void)state;
    arena_init(&scratch, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&scratch);
    return 0;
}

static bool run_shell(const char *script, int64_t timeout_ms, buf *ret, span *ret_why) {
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    return command_run(argv, timeout_ms, 1024, ret, &scratch, ret_why);
}

static void check_good(const char *script, const char *expected) {
    buf out = BUF_EMPTY;
    span why = SPAN_EMPTY;
    if (!run_shell(script, 60000, &out, &why)) fail_msg("%s: %.*s", script, SPAN_ARG(why));
    assert_span(buf_span(&out), expected);
    buf_done(&out);
}

static void check_bad(const char *script, int64_t timeout_ms, const char *expected) {
    buf out = BUF_EMPTY;
    span why = SPAN_EMPTY;
    assert_false(run_shell(script, timeout_ms, &out, &why));
    assert_span(why, expected);
    buf_done(&out);
}

static void gives_output_alone(void **state) {
    (void)state;
    check_good("printf abc", "abc");
    check_good("echo key; echo secret in a message >&2", "key\n");
    check_good("cat", ""); /* standard input is empty, not ours */
    check_good("sleep 0.05; printf late", "late");
    check_good("printf x; exec >&-; sleep 0.05", "x"); /* closes its output before it ends */
}

static void tells_failure(void **state) {
    (void)state;
    check_bad("exit 3", 60000, "it ended with status 3");
    check_bad("echo half; exit 1", 60000, "it ended with status 1");
    check_bad("kill -9 $$", 60000, "it was ended by signal 9");
}

static void tells_why_it_does_not_start(void **state) {
    (void)state;
    if (getenv("UNDER_MEMCHECK")) skip(); /* where a child has memory of its own from the start */
    buf out = BUF_EMPTY;
    span why;
    char *argv[] = {(char *)"weir-no-such-program", NULL};
    assert_false(command_run(argv, 1000, 1024, &out, &scratch, &why));
    assert_span(why, "No such file or directory");
    buf_done(&out);
}

static void ends_what_hangs(void **state) {
    (void)state;
    check_bad("sleep 600", 50, "it did not end within 50ms");
    check_bad("exec >&-; sleep 600", 50, "it did not end within 50ms");
    check_bad("trap '' TERM INT HUP; while :; do sleep 600; done", 50,
              "it did not end within 50ms");
}

/* A process that ends waits for no key. */
static void ends_what_nobody_waits_for(void **state) {
    (void)state;
    config_give_up_commands(true);
    check_bad("sleep 600", 60000, "it was given up");
    check_bad("exec >&-; sleep 600", 60000, "it was given up");
    config_give_up_commands(false);
}

static void ends_what_never_stops_talking(void **state) {
    (void)state;
    check_bad("yes", 60000, "it wrote more than 1024 bytes");
    check_bad("head -c 1025 /dev/zero", 60000, "it wrote more than 1024 bytes");
}

/* What a hanging command started goes with it: its child would hold the pipe open. */
static void ends_children_too(void **state) {
    (void)state;
    char path[] = "/tmp/weir-command-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char script[128];
    snprintf(script, sizeof script, "sleep 600 & echo $! > %s; wait", path);
    check_bad(script, 300, "it did not end within 300ms");
    buf text = unit_read(path);
    pid_t child = (pid_t)atoi(text.ptr);
    /* It was sent SIGKILL before command_run returned; init may reap it a little later. */
    if (child > 0) {
        for (int i = 0; i < 2000 && kill(child, 0) == 0; i++) {
            char stat[64];
            snprintf(stat, sizeof stat, "/proc/%d/stat", (int)child);
            FILE *f = fopen(stat, "r");
            char how = 'Z';
            if (f && fscanf(f, "%*d %*s %c", &how) != 1) how = 'Z';
            if (f) fclose(f);
            if (how == 'Z') break;
            usleep(1000);
            if (i == 1999) fail_msg("the child %d still runs", (int)child);
        }
    }
    buf_done(&text);
    close(fd);
    unlink(path);
}

/* weir ignores SIGPIPE and may block signals; a command must not inherit that. */
static void starts_with_fresh_signals(void **state) {
    (void)state;
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    /* The last 28 bits: those above are the C library's own. */
    check_good("grep -E '^Sig(Blk|Ign)' /proc/self/status | sed 's/.*\\(.......\\)$/\\1/'",
               "0000000\n0000000\n");
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGPIPE, before);
}

/* A library's host may leave no status to be had. */
static void without_a_status(void **state) {
    (void)state;
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    check_good("printf abc", "abc");
    check_good("printf x; exec >&-; sleep 0.05", "x");
    check_bad("exec >&-; sleep 600", 50, "it did not end within 50ms");
    signal(SIGCHLD, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_output_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_why_it_does_not_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_what_hangs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_what_nobody_waits_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_what_never_stops_talking, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_children_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starts_with_fresh_signals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_status, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
