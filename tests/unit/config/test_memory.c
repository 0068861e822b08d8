#include "world.h"

#include "config/memory.h"

#include "base/buf.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t MB = 1 << 20, NONE = MEMORY_UNBOUNDED;

static void the_tightest_decides(void **state) {
    (void)state;
    const struct {
        memory_facts facts;
        uint64_t megabytes;
    } rows[] = {
        {{16384 * MB, NONE, NONE}, 8192},
        {{16384 * MB, 512 * MB, NONE}, 256},
        {{400 * MB, 512 * MB, NONE}, 200},
        {{16384 * MB, 9223372036854771712u, 900 * MB}, 225},
        {{16384 * MB, 512 * MB, 1100 * MB}, 256},
        /* Whole megabytes; never so little that nothing would pass. */
        {{100 * MB + 4095, NONE, NONE}, 50},
        {{101 * MB, NONE, NONE}, 50},
        {{20 * MB, NONE, NONE}, 16},
        {{NONE, 0, NONE}, 16},
        /* Nobody says: as much as may be written in the file. */
        {{NONE, NONE, NONE}, 1 << 20},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(memory_default(&rows[i].facts), rows[i].megabytes * MB);
}

/* ---- a machine in a folder ---- */

static char root[] = "/tmp/weir-memory-XXXXXX";

static void put(const char *path, const char *text) {
    buf full = BUF_EMPTY;
    buf_addf(&full, "%s%s", root, path);
    for (size_t i = sizeof root; i < full.len; i++) {
        if (full.ptr[i] != '/') continue;
        full.ptr[i] = '\0';
        (void)mkdir(full.ptr, 0700);
        full.ptr[i] = '/';
    }
    FILE *f = fopen(buf_cstr(&full), "w");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
    buf_done(&full);
}

static int make_root(void **state) {
    (void)state;
    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    (void)state;
    buf command = BUF_EMPTY;
    buf_addf(&command, "rm -r %s", root);
    int status = system(buf_cstr(&command));
    buf_done(&command);
    return status;
}

static void no_files_no_bound(void **state) {
    (void)state;
    memory_facts f = memory_look(root);
    assert_int_equal(f.machine, NONE);
    assert_int_equal(f.group, NONE);
}

static void the_machine_has_so_much(void **state) {
    (void)state;
    put("/proc/meminfo", "MemFree:  5 kB\nMemTotal:       16384256 kB\nSwapTotal: 7 kB\n");
    assert_int_equal(memory_look(root).machine, (uint64_t)16384256 * 1024);
    put("/proc/meminfo", "MemTotal: many kB\n");
    assert_int_equal(memory_look(root).machine, NONE);
}

static void groups_of_version_2(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/system.slice/weir.service\n");
    put("/sys/fs/cgroup/system.slice/weir.service/memory.max", "max\n");
    assert_int_equal(memory_look(root).group, NONE);
    put("/sys/fs/cgroup/system.slice/memory.max", "1073741824\n");
    assert_int_equal(memory_look(root).group, 1024 * MB);
    put("/sys/fs/cgroup/system.slice/weir.service/memory.max", "536870912\n");
    assert_int_equal(memory_look(root).group, 512 * MB);
    put("/sys/fs/cgroup/system.slice/memory.max", "268435456\n");
    assert_int_equal(memory_look(root).group, 256 * MB);
}

static void groups_of_version_1(void **state) {
    (void)state;
    put("/proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "209715200\n");
    put("/sys/fs/cgroup/cpu/a/memory.limit_in_bytes", "1\n");
    assert_int_equal(memory_look(root).group, 200 * MB);
}

/* A container sees its own group as the root of what is mounted. */
static void a_container_s_own_root(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "104857600\n");
    assert_int_equal(memory_look(root).group, 100 * MB);
    put("/proc/self/cgroup", "4:memory:/docker/0123456789\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "52428800\n");
    assert_int_equal(memory_look(root).group, 50 * MB);
}

static void what_is_no_group_says_nothing(void **state) {
    (void)state;
    put("/sys/fs/cgroup/memory.max", "104857600\n");
    const char *files[] = {"", "\n", "0", "0:", "::::", "4:memory", "x\n\n:cpu:/\n"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        put("/proc/self/cgroup", files[i]);
        uint64_t bound = memory_look(root).group;
        assert_true(bound == NONE || bound == 100 * MB);
    }
}

static void the_address_space_may_be_bounded(void **state) {
    (void)state;
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    now = before;
    now.rlim_cur = 900 * MB;
    assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
    uint64_t seen = memory_look(root).address_space;
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(seen, 900 * MB);
}

/* ---- the option ---- */

static void what_the_file_says_counts(void **state) {
    (void)state;
    config *c = world_good("limits: {memory: 64MB}");
    assert_int_equal(c->limits.memory_bytes, 64 * MB);
    assert_true(c->limits.memory_told);
    world_done(c);
    const char *said[] = {"", "limits: {memory: auto}"};
    const memory_facts facts = memory_look("");
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        c = world_good(said[i]);
        assert_int_equal(c->limits.memory_bytes, memory_default(&facts));
        assert_false(c->limits.memory_told);
        world_done(c);
    }
}

static void warns_where_no_body_has_room(void **state) {
    (void)state;
    config *c = world_good("providers: {p: {url: \"http://127.0.0.1:1/v1\"}}\n"
                           "chat: {model: m}\n"
                           "limits:\n  memory: 20MB\n");
    assert_int_equal(c->warning_count, 1);
    assert_span(c->warnings[0].text, "limits.body is 50MB, more than limits.memory, which is 20MB: "
                                     "larger bodies are refused");
    assert_int_equal(c->warnings[0].line, 4);
    world_done(c);
    c = world_good("providers: {p: {url: \"http://127.0.0.1:1/v1\"}}\n"
                   "limits: {memory: 50MB}\n");
    assert_int_equal(c->warning_count, 0);
    world_done(c);
}

int main(void) {
#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tightest_decides),
        IN_ROOT(no_files_no_bound),
        IN_ROOT(the_machine_has_so_much),
        IN_ROOT(groups_of_version_2),
        IN_ROOT(groups_of_version_1),
        IN_ROOT(a_container_s_own_root),
        IN_ROOT(what_is_no_group_says_nothing),
        cmocka_unit_test(the_address_space_may_be_bounded),
        cmocka_unit_test(what_the_file_says_counts),
        cmocka_unit_test(warns_where_no_body_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
