/* Comparing a secret takes the same steps wherever two differ: each instruction is counted, one by
 * one (ptrace), of a child that compares. No clock is asked, so that nothing else on the machine
 * matters. ThreadSanitizer's own steps depend on what it has seen, so under it nothing is counted.
 */
#include "sanitizer.h"
#include "unit.h"

#include "base/hash.h"
#include "config/config.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void work_fn(const void *arg);

/* The child's instructions from one stop of its own to the next; 0: it cannot be followed here. */
static unsigned long count_steps(work_fn *work, const void *arg) {
    unsigned long steps = 0;
    int status;
    if (UNDER_TSAN) return 0;
    const pid_t pid = fork();
    if (!pid) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) _exit(77);
        work(arg); /* what is bound at the first call is */
        (void)raise(SIGSTOP);
        work(arg);
        (void)raise(SIGSTOP);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status)) return 0;
    for (;; steps++) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP) break;
        assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return steps;
}

/* ---- two texts ---- */

typedef struct texts {
    char a[SHA256_LEN], b[SHA256_LEN];
} texts;

static volatile bool sink;

static void compare(const void *arg) {
    const texts *t = arg;
    sink = span_eq_secret(span_from(t->a, sizeof t->a), span_from(t->b, sizeof t->b));
}

static void wherever_two_texts_differ(void **state) {
    (void)state;
    texts t = {{0}, {0}};
    const unsigned long equal = count_steps(compare, &t);
    if (!equal) skip();
    assert_true(equal > 32); /* it is the comparing that is counted */
    for (size_t at = 0; at < sizeof t.a; at++) {
        t.b[at] = (char)0x80;
        assert_int_equal(count_steps(compare, &t), equal);
        t.b[at] = 0;
    }
    memset(t.b, 0x55, sizeof t.b);
    assert_int_equal(count_steps(compare, &t), equal);
}

/* ---- a key among the clients of a configuration ---- */

enum { CLIENTS = 5 };

typedef struct search {
    config config;
    config_client clients[CLIENTS];
    unsigned char keys[CLIENTS][1][32];
    char text[20];
} search;

static void look_up(const void *arg) {
    const search *s = arg;
    unsigned char hash[SHA256_LEN];
    sha256(span_from(s->text, sizeof s->text), hash);
    sink = config_find_client(&s->config, hash) != NULL;
}

/* Whose key it is, or how far it is like one, takes no more and no fewer. */
static void whosever_key_it_is(void **state) {
    (void)state;
    search s = {.text = "a key of 20 bytes..."};
    unsigned char hash[32];
    s.config.clients = s.clients;
    s.config.client_count = CLIENTS;
    for (size_t i = 0; i < CLIENTS; i++) {
        memset(s.keys[i], (int)(0x11 * (i + 1)), sizeof s.keys[i]);
        s.clients[i].keys = s.keys[i];
        s.clients[i].key_count = 1;
    }
    /* Before the first is counted: a child begins with what a sanitizer has seen of allocations. */
    sha256(span_from(s.text, sizeof s.text), hash);
    const unsigned long nobody = count_steps(look_up, &s);
    if (!nobody) skip();
    for (size_t i = 0; i < CLIENTS; i++)
        for (size_t like = 0; like < sizeof hash; like += 7) { /* its first bytes */
            unsigned char kept[32];
            memcpy(kept, s.keys[i][0], sizeof kept);
            memcpy(s.keys[i][0], hash, like);
            assert_int_equal(count_steps(look_up, &s), nobody);
            memcpy(s.keys[i][0], kept, sizeof kept);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wherever_two_texts_differ),
        cmocka_unit_test(whosever_key_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
