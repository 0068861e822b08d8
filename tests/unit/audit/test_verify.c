/* What is done to a trail shows, and the first record that is not as it was is named. */
#include "audit/files.h"
#include "audit/trailing.h"

#include <sys/stat.h>
#include <unistd.h>

#define FIRST "audit-00000001.jsonl"

enum { RECORDS = 4 };

static void make(world *w) {
    open_trail(w);
    for (size_t i = 0; i < RECORDS; i++)
        take(w, 1, true);
    close_trail(w);
}

typedef struct lines {
    buf text;
    span line[RECORDS]; /* with their line ends */
} lines;

static lines read_lines(const world *w) {
    lines l = {.text = read_file(w, FIRST)};
    size_t at = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        size_t end = span_find(buf_span(&l.text), at, '\n') + 1;
        l.line[i] = span_slice(buf_span(&l.text), at, end);
        at = end;
    }
    assert_int_equal(at, l.text.len);
    return l;
}

static void put_lines(const world *w, const lines *l, const size_t *order, size_t count) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < count; i++)
        buf_add(&text, l->line[order[i]]);
    write_file(w, FIRST, buf_span(&text));
    buf_done(&text);
}

static void test_whole(void **state) {
    world *w = *state;
    make(w);
    expect(w, NULL, "4 in 1: 1-4");
}

static void test_every_altered_byte(void **state) {
    world *w = *state;
    make(w);
    lines l = read_lines(w);
    for (size_t i = 0; i < l.text.len; i++) {
        char was = l.text.ptr[i];
        size_t line = 1;
        for (size_t k = 0; k < i; k++)
            line += l.text.ptr[k] == '\n';
        for (unsigned bit = 0; bit < 8; bit++) {
            verify_report r;
            buf why = BUF_EMPTY;
            l.text.ptr[i] = (char)(was ^ 1 << bit);
            write_file(w, FIRST, buf_span(&l.text));
            assert_true(verify_folder(w->folder.path, NULL, &r, &why));
            assert_false(r.whole);
            assert_int_equal(r.line, line);
            assert_true(r.fault.len > 0);
            verify_report_done(&r);
            buf_done(&why);
        }
        l.text.ptr[i] = was;
    }
    buf_done(&l.text);
}

static void test_lines_that_are_missing_or_moved(void **state) {
    static const struct {
        size_t order[RECORDS];
        size_t count;
        const char *says;
    } rows[] = {
        {{0, 2, 3}, 3, FIRST ", line 2: record 2 is missing: record 3 stands behind 1"},
        {{0, 3}, 2, FIRST ", line 2: records 2 to 3 are missing: record 4 stands behind 1"},
        {{1, 2, 3},
         3,
         "records 1 to 1 are missing at the beginning, and no record says that they were pruned"},
        {{0, 1, 2}, 3, "records 4 to 4 are missing at the end: the head names 4"},
        {{0, 2, 1, 3}, 4, FIRST ", line 2: record 2 is missing: record 3 stands behind 1"},
        {{1, 0, 2, 3},
         4,
         FIRST ", line 2: record 1 stands behind 2: the order was changed, or one was put in"},
        {{0, 1, 1, 2},
         4,
         FIRST ", line 3: record 2 stands behind 2: the order was changed, or one was put in"},
    };
    world *w = *state;
    make(w);
    lines l = read_lines(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put_lines(w, &l, rows[i].order, rows[i].count);
        expect(w, NULL, rows[i].says);
    }
    buf_done(&l.text);
}

/* Whoever can compute a hash can make a line: the next one does not follow it. */
static void test_a_record_that_was_replaced(void **state) {
    world *w = *state;
    make(w);
    lines l = read_lines(w);
    chain_line first;
    const char *why;
    assert_true(chain_read(span_slice(l.line[0], 0, l.line[0].len - 1), &first, &why));
    chain_tip tip = {1, ""};
    memcpy(tip.hash, first.hash.ptr, SHA256_HEX_LEN);
    buf text = BUF_EMPTY;
    buf_add(&text, l.line[0]);
    chain_add(&text, &tip, 0, SPAN_OF("act"), SPAN_OF("\"act\":\"nothing\""));
    buf_add(&text, l.line[2]);
    buf_add(&text, l.line[3]);
    write_file(w, FIRST, buf_span(&text));
    expect(w, NULL,
           FIRST ", line 3: record 3 was not written behind the 2 that is there: one of them was "
                 "replaced");
    /* And to the end, as far as anybody without a key can: the head names another record 4. */
    text.len = l.line[0].len;
    tip.seq = 1;
    memcpy(tip.hash, first.hash.ptr, SHA256_HEX_LEN);
    for (size_t i = 1; i < RECORDS; i++)
        chain_add(&text, &tip, 0, SPAN_OF("act"), SPAN_OF("\"act\":\"nothing\""));
    write_file(w, FIRST, buf_span(&text));
    expect(w, NULL, "the head names another record 4 than is there");
    buf_done(&text);
    buf_done(&l.text);
}

static void test_every_cut(void **state) {
    world *w = *state;
    make(w);
    lines l = read_lines(w);
    for (size_t len = 1; len < l.text.len; len++) {
        verify_report r;
        buf why = BUF_EMPTY;
        write_file(w, FIRST, span_from(l.text.ptr, len));
        assert_true(verify_folder(w->folder.path, NULL, &r, &why));
        assert_false(r.whole);
        assert_int_equal(r.seq, r.last + 1);
        verify_report_done(&r);
        buf_done(&why);
    }
    buf_done(&l.text);
}

static void test_heads(void **state) {
    world *w = *state;
    secret *other = secret_new(SPAN_OF("another key of some length"));
    w->key = secret_new(SPAN_OF("a key that nobody can guess"));
    make(w);
    expect(w, w->key, "4 in 1: 1-4");
    expect(w, NULL, "4 in 1: 1-4");
    expect(w, other,
           "audit-head.json is forged: its signature is not that of this key for what it says");
    lines l = read_lines(w);
    buf head = read_file(w, AUDIT_HEAD_NAME);
    put_lines(w, &l, (const size_t[]){0, 1}, 2);
    expect(w, w->key, "records 3 to 4 are missing at the end: the head names 4");
    /* A head that says so much, by one who has no key, or another. */
    chain_line second;
    const char *why;
    chain_tip tip = {2, ""};
    assert_true(chain_read(span_slice(l.line[1], 0, l.line[1].len - 1), &second, &why));
    memcpy(tip.hash, second.hash.ptr, SHA256_HEX_LEN);
    buf forged = BUF_EMPTY;
    head_write(&forged, SPAN_OF(FIRST), &tip, 0, other);
    write_file(w, AUDIT_HEAD_NAME, buf_span(&forged));
    expect(w, w->key,
           "audit-head.json is forged: its signature is not that of this key for what it says");
    buf_clear(&forged);
    head_write(&forged, SPAN_OF(FIRST), &tip, 0, NULL);
    write_file(w, AUDIT_HEAD_NAME, buf_span(&forged));
    expect(w, w->key,
           "audit-head.json is not signed, and a key is given: it is forged, or was written "
           "without audit.key");
    /* Each altered byte of a signed one. */
    put_lines(w, &l, (const size_t[]){0, 1, 2, 3}, 4);
    for (size_t i = 0; i + 1 < head.len; i++) {
        verify_report r;
        buf none = BUF_EMPTY;
        head.ptr[i] ^= 1;
        write_file(w, AUDIT_HEAD_NAME, buf_span(&head));
        assert_true(verify_folder(w->folder.path, w->key, &r, &none));
        assert_false(r.whole);
        verify_report_done(&r);
        head.ptr[i] ^= 1;
    }
    buf path = path_of(w, AUDIT_HEAD_NAME);
    assert_int_equal(remove(path.ptr), 0);
    verify_report r;
    buf none = BUF_EMPTY;
    assert_true(verify_folder(w->folder.path, w->key, &r, &none));
    assert_false(r.whole);
    assert_non_null(strstr(buf_cstr(&r.fault), "cannot be told"));
    verify_report_done(&r);
    buf_done(&path);
    buf_done(&forged);
    buf_done(&head);
    buf_done(&l.text);
    secret_unref(other);
}

static void test_nothing_there(void **state) {
    world *w = *state;
    buf says = BUF_EMPTY;
    buf_addf(&says, "%s holds no audit trail: no file audit-*.jsonl is there", w->folder.path);
    expect(w, NULL, buf_cstr(&says));
    buf_done(&says);
}

/* Nothing that a folder holds keeps who looks at it waiting. */
static void test_a_pipe_in_the_place_of_a_file(void **state) {
    world *w = *state;
    verify_report r;
    buf why = BUF_EMPTY, path = BUF_EMPTY;
    buf_addf(&path, "%s/" FIRST, w->folder.path);
    assert_int_equal(mkfifo(buf_cstr(&path), 0600), 0);
    alarm(20);
    assert_false(verify_folder(w->folder.path, NULL, &r, &why));
    alarm(0);
    assert_true(span_ends(buf_span(&why), SPAN_OF(FIRST ": it is not a regular file")));
    verify_report_done(&r);
    buf_done(&path);
    buf_done(&why);
}

typedef struct seen {
    size_t longest;
    unsigned lines;
} seen;

static bool note_line(void *user, unsigned file, uint64_t number, span line, bool whole) {
    seen *s = user;
    (void)file;
    (void)whole;
    assert_int_equal(number, ++s->lines);
    if (line.len > s->longest) s->longest = line.len;
    return true;
}

static void test_a_line_without_end_takes_no_memory(void **state) {
    enum { LONG = 3 << 20 };
    world *w = *state;
    seen s = {0, 0};
    size_t at = 0;
    buf text = BUF_EMPTY, why = BUF_EMPTY;
    memset(buf_reserve(&text, LONG), 'x', LONG);
    buf_grow(&text, LONG);
    buf_add_cstr(&text, "\nshort\n");
    write_file(w, FIRST, buf_span(&text));
    assert_true(trail_file_read(w->folder.path, 1, &at, note_line, &s, &why));
    assert_int_equal(at, text.len);
    assert_int_equal(s.lines, 2);
    assert_true(s.longest < 1 << 20);
    buf_done(&text);
    buf_done(&why);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_altered_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_that_are_missing_or_moved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_record_that_was_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_heads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pipe_in_the_place_of_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_without_end_takes_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
