/* Waiting for MCP servers, while somebody sets the time of day. */
#include "heap.h"

#include "base/clock.h"
#include "tools/guard.h"
#include "tools/mcp_house.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* As it is where the time of day is put back by an hour during a wait. */
int clock_gettime(clockid_t id, struct timespec *ret) {
    const int err = (int)syscall(SYS_clock_gettime, id, ret);
    if (!err && id == CLOCK_REALTIME) ret->tv_sec += 3600;
    return err;
}

static void take_none(void *user, size_t entry, tool_set *s) {
    (void)user, (void)entry, (void)s;
    fail_msg("a server that says nothing lists tools");
}

static void a_silent_server_is_waited_for_so_long(void **state) {
    (void)state;
    config_problems problems;
    buf why = BUF_EMPTY;
    const tool like = {0};
    config *c = config_parse(SPAN_OF("tools: {quiet: {kind: mcp, command: [sleep, 60]}}"), "test",
                             &problems);
    assert_non_null(c);
    config_problems_done(&problems);
    mcp_key *k = mcp_key_new(c, 0, &like, take_none, NULL, &why);
    assert_non_null(k);
    const int64_t until_ms = clock_mono_ms() + 50;
    mcp_key_wait(k, until_ms);
    assert_true(clock_mono_ms() >= until_ms);
    assert_false(mcp_key_good(k, &why));
    assert_string_equal(buf_cstr(&why), "it has not answered yet");
    mcp_key_free(k);
    mcp_house_wait();
    config_unref(c);
    buf_done(&why);
}

int main(int argc, char **argv) {
    if (guard_is_asked(argc, argv)) return guard_main(argc, argv);
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_server_is_waited_for_so_long),
    };
    return run_watched(tests);
}
