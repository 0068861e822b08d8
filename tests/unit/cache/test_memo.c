/* A key that was noted is found for the very same question, and for no other. */
#include "heap.h"
#include "unit.h"

#include "base/mem.h"
#include "cache/memo.h"

static const span targets[] = {SPAN("openai/gpt"), SPAN("azure/gpt")};
static const span more[] = {SPAN("beta=1"), SPAN("")};

static const memo_reading how = {{.depth = 8, .members = 64}, 7};

static cache_question question(const char *body) {
    return (cache_question){.scope = SPAN_OF("app"),
                            .endpoint = SPAN_OF("chat.completions"),
                            .query = SPAN_OF("a=1"),
                            .model = SPAN_OF("gpt"),
                            .entry = SPAN_OF("gpt*"),
                            .targets = targets,
                            .target_count = 2,
                            .more = more,
                            .more_count = 2,
                            .rules = SPAN_OF("rules"),
                            .body = {JSON_OBJECT, span_cstr(body)}};
}

static cache_key key_of(const char *text) {
    cache_key key;
    sha256(span_cstr(text), key.bytes);
    return key;
}

static bool finds(const key_memo *m, const cache_question *q, const char *text) {
    cache_key found, key = key_of(text);
    return key_memo_find(m, q, &found) && cache_key_eq(&found, &key);
}

static void the_same_is_found(void **state) {
    (void)state;
    key_memo *m = key_memo_new();
    const cache_question q = question("{\"a\":1}");
    const cache_key one = key_of("one"), two = key_of("two");
    assert_false(finds(m, &q, "one"));
    key_memo_add(m, &q, &one, &how);
    assert_true(finds(m, &q, "one"));
    const cache_question again = question("{\"a\":1}");
    assert_true(finds(m, &again, "one"));
    key_memo_add(m, &again, &two, &how);
    assert_true(finds(m, &q, "two"));
    key_memo_free(m);
}

/* Each part, also where it moves from one to its neighbour. */
static void nothing_else_is(void **state) {
    (void)state;
    static const span moved[] = {SPAN("openai/gptazure/"), SPAN("gpt")};
    static const span no_beta[] = {SPAN("beta=2"), SPAN("")};
    key_memo *m = key_memo_new();
    const cache_question q = question("{\"a\":1}");
    cache_question others[13];
    const cache_key one = key_of("one");
    size_t n = 0;
    key_memo_add(m, &q, &one, &how);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        others[i] = q;
    others[n++].scope = SPAN_OF("apq");
    others[n++].endpoint = SPAN_OF("chat.completionz");
    others[n++].query = SPAN_OF("a=2");
    others[n++].model = SPAN_OF("gpu");
    others[n++].entry = SPAN_OF("gpu*");
    others[n++].rules = SPAN_OF("rulez");
    others[n++].targets = moved;
    others[n].more = targets, others[n++].target_count = 0;
    others[n++].more = no_beta;
    others[n++].more_count = 1;
    others[n].scope = SPAN_OF(""), others[n++].endpoint = SPAN_OF("appchat.completions");
    others[n++].body = (json_value){JSON_OBJECT, SPAN_OF("{\"a\":2}")};
    others[n++].body = (json_value){JSON_OBJECT, SPAN_OF("{\"a\":1 }")};
    assert_int_equal(n, ARRAY_LEN(others));
    for (size_t i = 0; i < n; i++)
        if (finds(m, &others[i], "one")) fail_msg("row %zu", i);
    assert_true(finds(m, &q, "one"));
    key_memo_free(m);
}

static void what_is_long_is_not_noted(void **state) {
    (void)state;
    char body[MEMO_BYTES + 2];
    memset(body, ' ', sizeof body);
    body[MEMO_BYTES + 1] = 0;
    key_memo *m = key_memo_new();
    const cache_key one = key_of("one");
    const cache_question longer = question(body), just = question(body + 1);
    key_memo_add(m, &longer, &one, &how);
    assert_false(finds(m, &longer, "one"));
    key_memo_add(m, &just, &one, &how);
    assert_true(finds(m, &just, "one"));
    key_memo_free(m);
}

/* Any number of questions, each of which pushes out another, and is found or not. */
static void it_is_bounded_and_never_wrong(void **state) {
    (void)state;
    key_memo *m = key_memo_new();
    char text[32];
    unsigned found = 0;
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "{\"a\":%u}", i);
        const cache_key key = key_of(text);
        const cache_question q = question(text);
        key_memo_add(m, &q, &key, &how);
        assert_true(finds(m, &q, text));
    }
    for (unsigned i = 0; i < 2000; i++) {
        cache_key key;
        snprintf(text, sizeof text, "{\"a\":%u}", i);
        const cache_question q = question(text);
        if (!key_memo_find(m, &q, &key)) continue;
        found++;
        assert_true(finds(m, &q, text));
    }
    assert_true(found > 0 && found <= MEMO_SLOTS);
    key_memo_free(m);
}

/* ---- members ---- */

static void assert_same_members(const json_member *a, const json_member *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(a[i].key.ptr, b[i].key.ptr);
        assert_int_equal(a[i].key.len, b[i].key.len);
        assert_int_equal(a[i].value.type, b[i].value.type);
        assert_ptr_equal(a[i].value.raw.ptr, b[i].value.raw.ptr);
        assert_int_equal(a[i].value.raw.len, b[i].value.raw.len);
        assert_int_equal(a[i].escaped, b[i].escaped);
        if (a[i].value.type != JSON_ARRAY) continue;
        assert_int_equal(a[i].elements, b[i].elements);
        assert_int_equal(a[i].objects, b[i].objects);
    }
}

/* As a scan of the body that is asked about would tell them, which lies elsewhere than the one that
 * was noted. */
static void members_are_those_of_a_scan(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{}",
        "{\"model\":\"gpt\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},1,{}],\"n\":1}",
        "{ \"a\\u0062\" : [ ] , \"c\" : { \"d\" : null } , \"e\":-1.5e3}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        key_memo *m = key_memo_new();
        char there[200];
        snprintf(there, sizeof there, "%s", bodies[i]);
        const cache_question q = question(bodies[i]);
        const cache_key one = key_of("one");
        json_member known[MEMO_MEMBERS], scanned[MEMO_MEMBERS];
        size_t count = 99, scanned_count;
        json_fault fault;
        assert_false(key_memo_members(m, span_cstr(there), &how, known, &count));
        key_memo_add(m, &q, &one, &how);
        assert_true(key_memo_members(m, span_cstr(there), &how, known, &count));
        assert_true(json_scan_object(span_cstr(there), &how.limits, scanned, MEMO_MEMBERS,
                                     &scanned_count, &fault));
        assert_int_equal(count, scanned_count);
        assert_same_members(known, scanned, count);
        const cache_question again = question(there); /* the one that was just asked about */
        assert_true(finds(m, &again, "one"));
        there[strlen(there) - 1] = ']';
        assert_false(key_memo_members(m, span_cstr(there), &how, known, &count));
        assert_false(finds(m, &again, "one"));
        key_memo_free(m);
    }
}

/* Two of one length that end alike, as two calls with one set of tools do, have one place. */
static void members_are_of_these_very_bytes(void **state) {
    (void)state;
    key_memo *m = key_memo_new();
    char one[400], other[400];
    snprintf(one, sizeof one, "{\"a\":1,\"b\":\"%0300d\"}", 7);
    snprintf(other, sizeof other, "{\"c\":1,\"b\":\"%0300d\"}", 7);
    const cache_question q = question(one), another = question(other);
    const cache_key key = key_of("one");
    json_member known[MEMO_MEMBERS];
    size_t count;
    key_memo_add(m, &q, &key, &how);
    assert_true(key_memo_members(m, q.body.raw, &how, known, &count));
    assert_false(key_memo_members(m, another.body.raw, &how, known, &count));
    key_memo_add(m, &another, &key, &how);
    assert_false(key_memo_members(m, q.body.raw, &how, known, &count));
    assert_true(key_memo_members(m, another.body.raw, &how, known, &count));
    assert_false(finds(m, &q, "one"));
    assert_true(finds(m, &another, "one"));
    key_memo_free(m);
}

/* What one limit lets through, another may not; and what one has sent another is not to learn. */
static void members_are_known_by_the_limits_and_the_owner_of_their_scan(void **state) {
    (void)state;
    const memo_reading others[] = {{{.depth = 2, .members = 64}, 7},
                                   {{.depth = 8, .members = 63}, 7},
                                   {{.depth = 8, .members = 64, .repeats = true}, 7},
                                   {{.depth = 8, .members = 64}, 8}};
    key_memo *m = key_memo_new();
    const cache_question q = question("{\"a\":{\"b\":[[1]]}}");
    const cache_key one = key_of("one");
    json_member known[MEMO_MEMBERS];
    size_t count;
    key_memo_add(m, &q, &one, &how);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(key_memo_members(m, q.body.raw, &others[i], known, &count));
    assert_true(key_memo_members(m, q.body.raw, &how, known, &count));
    key_memo_free(m);
}

/* The key is found all the same. */
static void many_members_are_not_noted(void **state) {
    (void)state;
    key_memo *m = key_memo_new();
    char body[400] = "{", *at = body + 1;
    for (int i = 0; i <= MEMO_MEMBERS; i++)
        at += snprintf(at, 20, "%s\"%d\":%d", i ? "," : "", i, i);
    snprintf(at, 2, "}");
    const cache_question q = question(body);
    const cache_key one = key_of("one");
    json_member known[MEMO_MEMBERS];
    size_t count;
    key_memo_add(m, &q, &one, &how);
    assert_false(key_memo_members(m, q.body.raw, &how, known, &count));
    assert_true(finds(m, &q, "one"));
    key_memo_free(m);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_found),
        cmocka_unit_test(nothing_else_is),
        cmocka_unit_test(what_is_long_is_not_noted),
        cmocka_unit_test(it_is_bounded_and_never_wrong),
        cmocka_unit_test(members_are_those_of_a_scan),
        cmocka_unit_test(members_are_of_these_very_bytes),
        cmocka_unit_test(members_are_known_by_the_limits_and_the_owner_of_their_scan),
        cmocka_unit_test(many_members_are_not_noted),
    };
    return run_watched(tests);
}
