/* Tools that are commands: real processes, well behaved and not. */
#include "kit.h"

#include "tools/guard.h"
#include "tools/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is left of processes ---- */

/* How many processes have this word among their arguments. */
static int count_marked(const char *mark) {
    int count = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *e; (e = readdir(proc));) {
        char path[300], text[8192];
        if (e->d_name[0] < '0' || e->d_name[0] > '9') continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
        FILE *f = fopen(path, "rb");
        if (!f) continue;
        size_t n = fread(text, 1, sizeof text, f);
        fclose(f);
        count += memmem(text, n, mark, strlen(mark)) != NULL;
    }
    closedir(proc);
    return count;
}

/* Until none has: a guard kills after the call is told that it is over. It ends if that is so at
 * all. */
static void expect_gone(kit *k, const char *mark) {
    while (count_marked(mark))
        uv_run(&k->l.uv, UV_RUN_NOWAIT);
}

/* ---- scripts: `sh -c TEXT MARK`, the mark telling the test's processes from all others ---- */

static char mark[64];

typedef struct script {
    const char *text;    /* in YAML's double quotes */
    const char *options; /* more of the tool */
} script;

static void begin(kit *k, const script *s) {
    static int number;
    char yaml[4000], text[2000];
    size_t n = 0;
    for (const char *c = s->text; *c; c++) { /* as the configuration writes a $ */
        if (*c == '$') text[n++] = '$';
        text[n++] = *c;
    }
    text[n] = '\0';
    snprintf(mark, sizeof mark, "marked-%d-%d-", (int)getpid(), number++);
    snprintf(
        yaml, sizeof yaml,
        "providers: {local: {url: 'http://127.0.0.1:1/v1'}}\n"
        "tools:\n"
        "  t: {kind: command, command: [sh, -c, \"%s\", \"%s\"], parameters: {type: object}%s%s}\n",
        text, mark, s->options ? ", " : "", s->options ? s->options : "");
    setenv("WEIR_TEST_LEAK", "seen", 1);
    kit_begin(k, yaml);
}

static void end(kit *k) {
    expect_gone(k, mark);
    kit_end(k);
}

static void expect(const script *s, const char *arguments, const char *want) {
    kit k;
    begin(&k, s);
    kit_expect(&k, "t", arguments, want);
    end(&k);
}

/* ---- */

static void arguments_are_its_input(void **state) {
    (void)state;
    expect(&(script){"cat", NULL}, "{\"a\":\"$(id) `id` ; ' \\\" \\u0000\"}",
           "done: {\"a\":\"$(id) `id` ; ' \\\" \\u0000\"}");
    expect(&(script){"cat", NULL}, "", "done: {}");
    expect(&(script){"true", NULL}, "{}", "done: ");
    expect(&(script){"printf '\xc3\xa9'", NULL}, "{}", "done: \xc3\xa9");
    expect(&(script){"exec <&-; sleep 0.05; echo deaf", NULL}, "{}", "done: deaf\n");
}

static void much_passes_both_ways(void **state) {
    (void)state;
    enum { LARGE = 3 << 20 };
    kit k;
    kit_call c;
    buf arguments = BUF_EMPTY;
    begin(&k, &(script){"cat", "max_result: 10MB"});
    buf_add_cstr(&arguments, "{\"a\":\"");
    while (arguments.len < LARGE)
        buf_add_cstr(&arguments, "0123456789abcdef");
    buf_add_cstr(&arguments, "\"}");
    kit_start(&k, &c, "t", buf_cstr(&arguments));
    kit_wait(&c);
    assert_int_equal(c.outcome, TOOL_DONE);
    assert_true(span_eq(buf_span(&c.text), buf_span(&arguments)));
    buf_done(&c.text);
    buf_done(&arguments);
    end(&k);
}

static void failures_are_told(void **state) {
    (void)state;
    static const struct {
        script script;
        const char *want;
    } rows[] = {
        {{"exit 3", NULL}, "failed: the command failed: it ended with status 3"},
        {{"echo out; echo 'no such\\tdisk' >&2; echo >&2; exit 1", NULL},
         "failed: the command failed: it ended with status 1: no such disk"},
        {{"kill -SEGV $$", NULL}, "failed: the command failed: it was ended by signal 11"},
        {{"printf '\\\\377'", NULL}, "garbled: the tool's answer is not text in UTF-8"},
        {{"printf '\\\\377' >&2; exit 1", NULL},
         "failed: the command failed: it ended with status 1: ?"},
        {{"echo $SECRET; echo $SECRET >&2", "env: {SECRET: 'sk-0123456789'}"},
         "done: [redacted]\n"},
        {{"echo $SECRET >&2; exit 1", "env: {SECRET: 'sk-0123456789'}"},
         "failed: the command failed: it ended with status 1: [redacted]"},
        {{"pwd", "folder: /none"},
         "unreachable: the command failed: its folder cannot be entered: "
         "No such file or directory"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(&rows[i].script, "{}", rows[i].want);
}

/* Of a long complaint the end, from a whole character on. */
static void the_last_words_are_told(void **state) {
    (void)state;
    kit k;
    begin(&k, &(script){"i=0; while [ $i -lt 6000 ]; do echo é line $i >&2; i=$((i+1)); done; "
                        "echo 'that is why' >&2; exit 1",
                        NULL});
    char *said = kit_ask(&k, "t", "{}");
    span text = span_cstr(said);
    assert_true(
        span_starts(text, SPAN_OF("failed: the command failed: it ended with status 1: …")));
    assert_true(span_ends(text, SPAN_OF("line 5998 é line 5999 that is why")));
    assert_true(span_is_utf8(text));
    assert_true(text.len > 500 && text.len < 600);
    free(said);
    end(&k);
}

static void a_missing_program_is_told(void **state) {
    (void)state;
    kit k;
    char path[] = "/tmp/weir-test-XXXXXX", yaml[500];
    int fd = mkstemp(path); /* text, which execvp(3) would give to a shell */
    assert_int_equal(write(fd, "echo a shell\n", 13), 13);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    snprintf(yaml, sizeof yaml,
             "providers: {local: {url: 'http://127.0.0.1:1/v1'}}\n"
             "tools: {a: {kind: command, command: [weir-none]},\n"
             "        b: {kind: command, command: [/etc/passwd]},\n"
             "        c: {kind: command, command: [%s]}}\n",
             path);
    kit_begin(&k, yaml);
    kit_expect(&k, "a", "{}",
               "unreachable: the command failed: the program cannot be started: No "
               "such file or directory");
    kit_expect(&k, "b", "{}",
               "unreachable: the command failed: the program cannot be started: Permission denied");
    kit_expect(&k, "c", "{}",
               "unreachable: the command failed: the program cannot be started: Exec format error");
    kit_end(&k);
    unlink(path);
}

/* Neither what weir has open nor its environment, and no terminal. */
static void nothing_of_weirs_is_there(void **state) {
    (void)state;
    int spare = dup(0); /* without close-on-exec */
    expect(&(script){"echo /proc/self/fd/* | tr ' ' '\\n' | sed 's/.*fd.//' | sort | head -4 | tr "
                     "'\\n' ' '; echo ${WEIR_TEST_LEAK:-none} ${PATH:+path} $A; "
                     "read a b c d e session rest < /proc/$$/stat; [ $session = $$ ] && echo "
                     "session",
                     "env: {A: b}"},
           "{}", "done: 0 1 2 3 none path b\nsession\n"); /* 3: the folder that the shell reads */
    close(spare);
}

static void its_folder_is_where_it_begins(void **state) {
    (void)state;
    expect(&(script){"pwd", NULL}, "{}", "done: /\n");
    expect(&(script){"pwd", "folder: /usr"}, "{}", "done: /usr\n");
}

/* ---- what does not behave ---- */

static void what_hangs_is_killed(void **state) {
    (void)state;
    static const char *const scripts[] = {
        "sleep 1000",
        "cat; trap '' TERM INT HUP; while :; do sleep 1000; done",
        "sleep 1000 & sleep 1000 & wait",
        "setsid sleep 1000 & sleep 1000",
        "(setsid sh -c 'sleep 1000 & sleep 1000' marked &) ; sleep 1000",
        "kill -STOP $$",
        "exec >&- 2>&-; sleep 1000",
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
        expect(&(script){scripts[i], "timeout: 100ms"}, "{}",
               "timed_out: the tool did not answer within 100ms");
}

/* The sleepers are told from others by their length. */
static int count_sleepers(void) {
    char text[64];
    snprintf(text, sizeof text, "9%d", (int)getpid());
    return count_marked(text);
}

static void what_it_leaves_is_killed(void **state) {
    (void)state;
    static const char *const scripts[] = {
        "sleep 9%d & echo done",
        "setsid sleep 9%d > /dev/null & echo done",
        "(setsid sleep 9%d < /dev/null > /dev/null 2>&1 &) ; echo done",
        "sh -c 'setsid sleep 9%d & setsid sleep 9%d & echo done'",
        "nohup sleep 9%d > /dev/null 2>&1 & echo done",
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        char text[300];
        kit k;
        snprintf(text, sizeof text, scripts[i], (int)getpid(), (int)getpid());
        begin(&k, &(script){text, NULL});
        kit_expect(&k, "t", "{}", "done: done\n");
        assert_int_equal(count_sleepers(), 0); /* told when all are gone */
        end(&k);
    }
}

static void a_flood_is_cut_off(void **state) {
    (void)state;
    expect(&(script){"head -c 100000000 /dev/zero", "max_result: 100KB"}, "{}",
           "too_large: the tool's answer is larger than 100KB");
    expect(&(script){"yes", "max_result: 64KB"}, "{}",
           "too_large: the tool's answer is larger than 64KB");
    expect(&(script){"head -c 30000000 /dev/zero >&2; echo fine", NULL}, "{}", "done: fine\n");
}

static void many_processes_end(void **state) {
    (void)state;
    expect(&(script){"i=0; while [ $i -lt 1000 ]; do sleep 1000 & i=$((i+1)); done; wait", NULL},
           "{}", "failed: the command failed: it started more than 128 processes at a time");
}

/* Each starts two more: bounded here, so that a guard that fails does no harm. */
static void what_multiplies_ends(void **state) {
    (void)state;
    expect(&(script){"f() { [ $1 -gt 9 ] && sleep 1000; f $(($1+1)) & f $(($1+1)) & wait; }; f 0",
                     NULL},
           "{}", "failed: the command failed: it started more than 128 processes at a time");
}

static void memory_is_bounded(void **state) {
    (void)state;
    kit k;
    begin(&k, &(script){"exec python3 -c 'a = bytearray(400 << 20); import time; time.sleep(1000)'",
                        "memory: 100MB"});
    char *said = kit_ask(&k, "t", "{}");
    assert_non_null(strstr(said, "failed: the command failed: it ended with status 1"));
    assert_non_null(strstr(said, "MemoryError"));
    free(said);
    end(&k);
    /* None takes too much, all together do. */
    expect(&(script){"for i in 1 2 3 4 5 6; do python3 -c 'a = bytearray(30 << 20); import time; "
                     "time.sleep(1000)' & done; wait",
                     "memory: 100MB"},
           "{}", "failed: the command failed: it took more memory than it may");
}

static void cancelling_kills(void **state) {
    (void)state;
    kit k;
    kit_call c;
    begin(&k, &(script){"setsid sleep 1000 & sleep 1000", NULL});
    kit_start(&k, &c, "t", "{}");
    tool_cancel(c.call); /* before it has begun */
    kit_start(&k, &c, "t", "{}");
    while (count_marked(mark) < 2) /* the guard and the shell */
        uv_run(&k.l.uv, UV_RUN_NOWAIT);
    tool_cancel(c.call);
    end(&k);
    assert_int_equal(c.told, 0);
}

/* As where weir itself is no more: the socket closes, and nobody waits. */
static void closing_kills(void **state) {
    (void)state;
    kit k;
    kit_call c;
    begin(&k, &(script){"setsid sleep 1000 & sleep 1000", NULL});
    kit_start(&k, &c, "t", "{}");
    while (count_marked(mark) < 2)
        uv_run(&k.l.uv, UV_RUN_NOWAIT);
    tool_cancel(c.call);
    kit_end(&k);
    while (count_marked(mark)) {}
}

/* A tool may kill its own guard: what remains within reach goes with it. */
static void a_killed_guard_is_told(void **state) {
    (void)state;
    expect(&(script){"kill -KILL $PPID; sleep 1000", NULL}, "{}",
           "failed: the command failed: its guard was ended");
}

static void many_at_once(void **state) {
    (void)state;
    enum { CALLS = 30 };
    kit k;
    kit_call calls[CALLS];
    begin(&k, &(script){"cat", NULL});
    for (size_t i = 0; i < CALLS; i++)
        kit_start(&k, &calls[i], "t", "{\"a\":1}");
    for (size_t i = 0; i < CALLS; i++) {
        kit_wait(&calls[i]);
        assert_int_equal(calls[i].outcome, TOOL_DONE);
        assert_span(buf_span(&calls[i].text), "{\"a\":1}");
        buf_done(&calls[i].text);
    }
    end(&k);
}

/* ---- sandbox ---- */

/* Where the system has none, as weir would say at its start. */
static void need_sandbox(void) {
    const config_tool_sandbox all = {true, true};
    buf why = BUF_EMPTY;
    bool possible = sandbox_is_possible(&all, &why);
    buf_done(&why);
    if (!possible) skip();
}

static void without_network_no_socket_opens(void **state) {
    (void)state;
    need_sandbox();
    static const char *const scripts[] = {
        "python3 -c 'import socket; socket.socket()'",
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX)'",
        "python3 -c 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'",
        "sh -c \\\"python3 -c 'import socket; socket.socket(2, 2)'\\\"",
        /* Whose datagrams go to any address. */
        "python3 -c 'import socket; socket.socketpair(type=socket.SOCK_DGRAM)'",
        "python3 -c 'import socket; socket.socketpair(type=socket.SOCK_RAW)'",
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        kit k;
        begin(&k, &(script){scripts[i], "sandbox: no_network"});
        char *said = kit_ask(&k, "t", "{}");
        assert_non_null(strstr(said, "PermissionError"));
        free(said);
        end(&k);
        begin(&k, &(script){scripts[i], NULL});
        said = kit_ask(&k, "t", "{}");
        assert_string_equal(said, "done: ");
        free(said);
        end(&k);
    }
}

/* As Node gives them to its children: each end has the other and nobody else. */
static void without_network_pairs_that_are_connected_open(void **state) {
    (void)state;
    need_sandbox();
    expect(
        &(script){"python3 -c 'import socket as s\\nfor t in (s.SOCK_STREAM, s.SOCK_SEQPACKET):\\n"
                  " a, b = s.socketpair(type=t | s.SOCK_NONBLOCK); a.send(b\\\"x\\\"); "
                  "print(b.recv(9))'",
                  "sandbox: no_network"},
        "{}", "done: b'x'\nb'x'\n");
}

/* Its grandparent, which is weir or its guard. */
static void no_other_process_is_reached(void **state) {
    (void)state;
    need_sandbox();
    static const char reach[] =
        "python3 -c 'import os; pid = str(os.getppid()); "
        "up = open(\\\"/proc/\\\" + pid + \\\"/stat\\\").read().rsplit(\\\")\\\")[-1].split()[1]; "
        "%s(\\\"/proc/\\\" + up + \\\"/%s\\\")'";
    static const char *const sandboxes[] = {"sandbox: no_network", "sandbox: read_only",
                                            "sandbox: [no_network, read_only]"};
    static const char *const places[][2] = {{"open", "mem"}, {"os.readlink", "cwd"}};
    for (size_t i = 0; i < ARRAY_LEN(sandboxes) * ARRAY_LEN(places); i++) {
        kit k;
        char text[300];
        snprintf(text, sizeof text, reach, places[i % 2][0], places[i % 2][1]);
        begin(&k, &(script){text, sandboxes[i / 2]});
        char *said = kit_ask(&k, "t", "{}");
        if (!strstr(said, "PermissionError")) fail_msg("%s: %s", sandboxes[i / 2], said);
        free(said);
        end(&k);
    }
}

static void without_network_files_go_where_they_may(void **state) {
    (void)state;
    need_sandbox();
    expect(&(script){"d=$(mktemp -d) && mkdir $d/a $d/b && echo x > $d/a/f && mv $d/a/f $d/b/g && "
                     "ln $d/b/g $d/a/h && cat $d/a/h && rm -r $d",
                     "sandbox: no_network"},
           "{}", "done: x\n");
}

static void read_only_writes_nothing(void **state) {
    (void)state;
    need_sandbox();
    static const char *const scripts[] = {
        "echo x > $F/new",
        "echo x > $F/old",
        "echo x >> $F/old",
        "rm $F/old",
        "mv $F/old $F/other",
        "mkdir $F/folder",
        "ln -s x $F/link",
        "ln $F/old $F/link",
        "mkfifo $F/pipe",
        "chmod 777 $F/old",
        "chown 1 $F/old",
        "touch $F/old",
        "truncate -s 0 $F/old",
        "python3 -c 'import os; os.open(os.environ[\\\"F\\\"] + \\\"/old\\\", os.O_RDONLY | "
        "os.O_TRUNC)'",
        "python3 -c 'import os; os.setxattr(os.environ[\\\"F\\\"] + \\\"/old\\\", \\\"user.a\\\", "
        "b\\\"b\\\")'",
        "python3 -c 'import fcntl, os; fcntl.ioctl(os.open(os.environ[\\\"F\\\"] + \\\"/old\\\", "
        "0), "
        "0x40086602, bytes([64] + 7 * [0]))'", /* FS_IOC_SETFLAGS */
    };
    char folder[] = "/tmp/weir-test-XXXXXX", path[100], options[200];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/old", folder);
    snprintf(options, sizeof options, "sandbox: [read_only], env: {F: %s}", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("as it was", f);
    fclose(f);
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        kit k;
        struct stat before, after;
        stat(path, &before);
        begin(&k, &(script){scripts[i], options});
        char *said = kit_ask(&k, "t", "{}");
        if (strncmp(said, "failed: ", 8) != 0) fail_msg("%s: %s", scripts[i], said);
        free(said);
        end(&k);
        assert_int_equal(stat(path, &after), 0);
        assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
        assert_int_equal(before.st_mode, after.st_mode);
        assert_int_equal(after.st_size, 9);
        assert_int_equal(after.st_nlink, 1);
    }
    expect(&(script){"cat $F/old; echo x > /dev/null; ls $F", options}, "{}",
           "done: as it wasold\n");
    expect(&(script){"python3 -c 'import fcntl, os; fcntl.ioctl(os.pipe()[0], 0x541B, bytes(4))'",
                     options},
           "{}", "done: "); /* FIONREAD: no file is changed by it */
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(int argc, char **argv) {
    if (guard_is_asked(argc, argv)) return guard_main(argc, argv);
    struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_its_input),
        cmocka_unit_test(much_passes_both_ways),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(the_last_words_are_told),
        cmocka_unit_test(a_missing_program_is_told),
        cmocka_unit_test(nothing_of_weirs_is_there),
        cmocka_unit_test(its_folder_is_where_it_begins),
        cmocka_unit_test(what_hangs_is_killed),
        cmocka_unit_test(what_it_leaves_is_killed),
        cmocka_unit_test(a_flood_is_cut_off),
        cmocka_unit_test(many_processes_end),
        cmocka_unit_test(what_multiplies_ends),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(cancelling_kills),
        cmocka_unit_test(closing_kills),
        cmocka_unit_test(a_killed_guard_is_told),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(without_network_no_socket_opens),
        cmocka_unit_test(without_network_pairs_that_are_connected_open),
        cmocka_unit_test(no_other_process_is_reached),
        cmocka_unit_test(without_network_files_go_where_they_may),
        cmocka_unit_test(read_only_writes_nothing),
    };
    return run_watched(tests);
}
