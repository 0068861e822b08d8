/* The key: nobody is given what was answered to another, nor what was asked otherwise. */
#include "unit.h"

#include "base/random.h"
#include "cache/key.h"

static const span one_target[] = {SPAN("p/m")};
static const span more[] = {SPAN("")};

static cache_question question(const char *body) {
    json_value root;
    json_fault fault;
    assert_true(json_scan(span_cstr(body), NULL, &root, &fault));
    return (cache_question){.scope = SPAN("client a"),
                            .endpoint = SPAN("chat.completions"),
                            .entry = SPAN("*"),
                            .targets = one_target,
                            .target_count = 1,
                            .more = more,
                            .more_count = 1,
                            .body = root};
}

static bool same(const cache_question *a, const cache_question *b) {
    static buf scratch;
    const cache_key x = cache_key_of(a, &scratch), y = cache_key_of(b, &scratch);
    return cache_key_eq(&x, &y);
}

#define ASKED "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1}"

static void what_makes_no_difference(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"seed\":1.0,\"messages\":[{\"content\":\"h\\u0069\",\"role\":\"user\"}],\"model\":"
        "\"m\"}",
        " {\"model\" :\"m\", \"messages\":[ "
        "{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":10e-1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1,"
        "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"user\":\"u\","
        "\"safety_identifier\":\"s\",\"metadata\":{\"a\":\"b\"},\"prompt_cache_key\":\"k\"}",
    };
    const cache_question asked = question(ASKED);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const cache_question q = question(rows[i]);
        assert_true(same(&asked, &q));
    }
}

static void what_does(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":2}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":\"1\"}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi \"}],\"seed\":1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1,\"n\":"
        "1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\",\"user\":1}],"
        "\"seed\":1}",
        "{\"model\":\"n\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":null}",
    };
    const cache_question asked = question(ASKED);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const cache_question q = question(rows[i]);
        assert_false(same(&asked, &q));
    }
    const cache_question a = question("{\"seed\":9007199254740992}"),
                         b = question("{\"seed\":9007199254740993}");
    assert_false(same(&a, &b));
}

static void who_asks_and_who_answers(void **state) {
    (void)state;
    static const span two[] = {SPAN("p/m"), SPAN("q/m")};
    static const span beta[] = {SPAN("assistants=v2")};
    const cache_question asked = question(ASKED);
    cache_question others[8];
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        others[i] = asked;
    others[0].scope = SPAN_OF("client b");
    others[1].scope = SPAN_EMPTY;
    others[2].endpoint = SPAN_OF("responses");
    others[3].entry = SPAN_OF("m");
    others[4].targets = two, others[4].target_count = 2;
    others[5].query = SPAN_OF("api-version=1");
    others[6].model = SPAN_OF("m");
    others[7].more = beta;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(same(&asked, &others[i]));
    /* No way to say in one text what stands in two. */
    cache_question a = asked, b = asked;
    a.scope = SPAN_OF("x"), a.endpoint = SPAN_OF("yz");
    b.scope = SPAN_OF("xy"), b.endpoint = SPAN_OF("z");
    assert_false(same(&a, &b));
}

/* Two clients that ask the very same, whatever that is. */
static void no_two_clients_have_one_key(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 16);
    for (int i = 0; i < 100000; i++) {
        char body[160], one[24], other[24];
        const uint64_t n = rng_u64(&r);
        snprintf(body, sizeof body, "{\"model\":\"m%u\",\"input\":\"%llx\",\"%c\":%u}",
                 (unsigned)(n % 7), (unsigned long long)n, (char)('a' + n % 26), (unsigned)n);
        snprintf(one, sizeof one, "%u", (unsigned)(rng_u64(&r) % 1000));
        do
            snprintf(other, sizeof other, "%u", (unsigned)(rng_u64(&r) % 1000));
        while (!strcmp(one, other));
        cache_question a = question(body), b = a;
        a.scope = span_cstr(one);
        b.scope = span_cstr(other);
        assert_false(same(&a, &b));
        b.scope = a.scope;
        assert_true(same(&a, &b));
    }
}

/* ---- any request, in any spelling ---- */

/* What is said comes of one sequence of random numbers, how it is spelled of another. */
typedef struct writer {
    rng content, spelling;
    unsigned leaves;
    unsigned other; /* which leaf says something else; from 1 on; 0: none */
} writer;

static unsigned said(writer *w, unsigned below) {
    return (unsigned)(rng_u64(&w->content) % below);
}

static unsigned spelled(writer *w, unsigned below) {
    return (unsigned)(rng_u64(&w->spelling) % below);
}

static void put_space(writer *w, buf *out) {
    static const char *const spaces[] = {"", "", " ", "\n", "\t ", "\r\n"};
    buf_add_cstr(out, spaces[spelled(w, ARRAY_LEN(spaces))]);
}

static void put_number(writer *w, int n, buf *out) {
    static const char *const forms[] = {"%d", "%d.0", "%de0", "%d0e-1", "%d.00E+0"};
    char text[32];
    /* NOLINTNEXTLINE: each takes one int */
    snprintf(text, sizeof text, forms[n ? spelled(w, ARRAY_LEN(forms)) : 0], n);
    buf_add_cstr(out, text);
}

static void put_char(writer *w, unsigned c, buf *out) {
    static const struct {
        const char *forms[4];
    } rows[] = {{{"a", "\\u0061", "a", "\\u0061"}},
                {{"\\\"", "\\u0022", "\\\"", "\\u0022"}},
                {{"\\\\", "\\u005c", "\\u005C", "\\\\"}},
                {{"\\n", "\\u000a", "\\u000A", "\\n"}},
                {{"/", "\\/", "\\u002f", "/"}},
                {{"\303\251", "\\u00e9", "\\u00E9", "\303\251"}},
                {{"\342\202\254", "\\u20ac", "\\u20AC", "\342\202\254"}},
                {{"\360\237\230\200", "\\ud83d\\ude00", "\\uD83D\\uDE00", "\360\237\230\200"}},
                {{"1", "\\u0031", "1", "1"}}};
    buf_add_cstr(out, rows[c % ARRAY_LEN(rows)].forms[spelled(w, 4)]);
}

static void put_leaf(writer *w, buf *out) {
    const bool other = ++w->leaves == w->other;
    const unsigned kind = said(w, 6);
    if (kind < 3) {
        buf_add_char(out, '"');
        for (unsigned n = said(w, 8); n; n--)
            put_char(w, said(w, 9), out);
        if (other) put_char(w, 0, out);
        buf_add_char(out, '"');
    } else if (kind < 5) {
        put_number(w, (int)said(w, 2001) - 1000 + other, out);
    } else {
        static const char *const words[] = {"true", "false", "null"};
        buf_add_cstr(out, words[(said(w, 3) + other) % 3]);
    }
}

static void put_value(writer *w, unsigned depth, buf *out);

/* Members in any order. The outermost object has some that do not count, too. */
static void put_members(writer *w, unsigned depth, buf *out) {
    enum { MOST = 6 };
    buf members[MOST] = {{0}};
    unsigned n = 1 + said(w, 4);
    for (unsigned i = 0; i < n; i++) {
        buf_add_char(&members[i], '"');
        put_char(w, i, &members[i]); /* names differ in it */
        put_char(w, said(w, 9), &members[i]);
        buf_add_char(&members[i], '"');
        put_space(w, &members[i]);
        buf_add_char(&members[i], ':');
        put_space(w, &members[i]);
        put_value(w, depth + 1, &members[i]);
    }
    if (!depth && spelled(w, 2)) buf_addf(&members[n++], "\"us\\u0065r\":%u", spelled(w, 100));
    buf_add_char(out, '{');
    for (unsigned left = n; left; left--) {
        const unsigned at = spelled(w, left);
        put_space(w, out);
        buf_add(out, buf_span(&members[at]));
        if (left > 1) buf_add_char(out, ',');
        buf_done(&members[at]);
        members[at] = members[left - 1];
    }
    buf_add_char(out, '}');
}

static void put_value(writer *w, unsigned depth, buf *out) {
    const unsigned kind = depth ? said(w, depth < 3 ? 6 : 3) : 5;
    if (kind < 3) {
        put_leaf(w, out);
    } else if (kind == 3) {
        buf_add_char(out, '[');
        for (unsigned n = said(w, 4); n; n--) {
            put_space(w, out);
            put_value(w, depth + 1, out);
            if (n > 1) buf_add_char(out, ',');
        }
        put_space(w, out);
        buf_add_char(out, ']');
    } else {
        put_members(w, depth, out);
    }
}

static unsigned write_request(uint64_t content, uint64_t spelling, unsigned other, buf *out) {
    writer w = {.other = other};
    rng_seed(&w.content, content);
    rng_seed(&w.spelling, spelling);
    buf_clear(out);
    put_value(&w, 0, out);
    buf_add_char(out, 0);
    return w.leaves;
}

/* 100,000 pairs that say the same, each spelled anew, and as many in which one leaf differs. */
static void any_request_in_any_spelling(void **state) {
    (void)state;
    buf one = BUF_EMPTY, two = BUF_EMPTY;
    unsigned changed = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        const unsigned leaves = write_request(i, 2 * i, 0, &one);
        (void)write_request(i, 2 * i + 1, 0, &two);
        const cache_question a = question(one.ptr), b = question(two.ptr);
        if (!same(&a, &b)) fail_msg("two keys:\n%s\n%s", one.ptr, two.ptr);
        if (!leaves) continue;
        (void)write_request(i, 2 * i + 1, 1 + (unsigned)(i % leaves), &two);
        const cache_question c = question(two.ptr);
        if (same(&a, &c)) fail_msg("one key:\n%s\n%s", one.ptr, two.ptr);
        changed++;
    }
    assert_true(changed > 90000);
    buf_done(&one);
    buf_done(&two);
}

/* A text that may be any: all else counts, and where it stands. */
static void but_one_text(void **state) {
    (void)state;
    static buf scratch;
    static const char *const like[] = {
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        "{\"messages\":[{\"content\":\"something "
        "\\\"else\\\"\",\"role\":\"user\"}],\"model\":\"m\"}"};
    static const char *const unlike[] = {
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"hi\"}]}",
        ("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"user\","
         "\"content\":\"hi\"}]}")};
    cache_key first;
    for (size_t i = 0; i < ARRAY_LEN(like) + ARRAY_LEN(unlike); i++) {
        const bool is_like = i < ARRAY_LEN(like);
        cache_question q = question(is_like ? like[i] : unlike[i - ARRAY_LEN(like)]);
        const json_value messages = json_get(q.body, SPAN_OF("messages"));
        json_iter it = json_iter_of(messages);
        for (json_value m; json_next_element(&it, &m);)
            q.hole = json_get(m, SPAN_OF("content")).raw.ptr;
        const cache_key key = cache_key_of(&q, &scratch);
        if (!i) first = key;
        assert_int_equal(cache_key_eq(&key, &first), is_like);
    }
    /* It is no key of an answer: not even of one to the empty text. */
    const cache_question empty =
        question("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}");
    const cache_key key = cache_key_of(&empty, &scratch);
    assert_false(cache_key_eq(&key, &first));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_no_difference),
        cmocka_unit_test(what_does),
        cmocka_unit_test(who_asks_and_who_answers),
        cmocka_unit_test(no_two_clients_have_one_key),
        cmocka_unit_test(any_request_in_any_spelling),
        cmocka_unit_test(but_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
