/* Documents with some byte ranges replaced. */
#include "unit.h"

#include "json/json.h"

static arena a;

static int set_up(void **state) {
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&a);
    return 0;
}

/* The edited document; checks what holds for every splice on the way. */
static span spliced(const json_splice *s, span doc) {
    size_t count, len = 0;
    const span *pieces = json_splice_pieces(s, doc, &count);
    assert_true(count <= 2 * s->count + 1);
    for (size_t i = 0; i < count; i++) {
        assert_true(pieces[i].len > 0);
        len += pieces[i].len;
    }
    assert_int_equal(json_splice_len(s, doc), len);
    return arena_join(&a, pieces, count);
}

static json_value scanned(span doc) {
    json_value root;
    json_fault fault;
    assert_true(json_scan(doc, NULL, &root, &fault));
    return root;
}

static void changes_nothing(void **state) {
    (void)state;
    json_splice s;
    json_splice_init(&s, &a);
    assert_span(spliced(&s, SPAN_OF(" {\"a\": 1.0} ")), " {\"a\": 1.0} ");
    assert_span(spliced(&s, SPAN_EMPTY), "");
}

static void keeps_edits_in_order(void **state) {
    (void)state;
    span doc = SPAN_OF("0123456789");
    json_splice s;
    json_splice_init(&s, &a);
    assert_true(json_splice_add(&s, 8, 10, SPAN_OF("Y")));
    assert_true(json_splice_add(&s, 0, 1, SPAN_OF("")));
    assert_true(json_splice_add(&s, 4, 4, SPAN_OF("first")));
    assert_true(json_splice_add(&s, 4, 4, SPAN_OF("then")));
    assert_true(json_splice_add(&s, 4, 6, SPAN_OF("X")));
    assert_true(json_splice_add(&s, 8, 8, SPAN_OF("before")));
    assert_true(json_splice_add(&s, 6, 6, SPAN_OF("behind")));
    assert_true(json_splice_add(&s, 4, 4, SPAN_OF("last")));
    assert_span(spliced(&s, doc), "123firstthenlastXbehind67beforeY");
    assert_true(json_splice_add(&s, 2, 3, SPAN_OF("ninth")));
    assert_span(spliced(&s, doc), "1ninth3firstthenlastXbehind67beforeY");
}

static void refuses_overlaps(void **state) {
    (void)state;
    json_splice s;
    json_splice_init(&s, &a);
    assert_true(json_splice_add(&s, 4, 6, SPAN_OF("X")));
    static const size_t bad[][2] = {{4, 6}, {5, 5}, {3, 5}, {5, 7}, {3, 7}, {4, 5}, {5, 6}, {7, 6}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(json_splice_add(&s, bad[i][0], bad[i][1], SPAN_OF("Y")));
    assert_int_equal(s.count, 1);
    assert_true(json_splice_add(&s, 2, 2, SPAN_OF("i")));
    assert_false(json_splice_add(&s, 1, 3, SPAN_OF("Y")));
    assert_true(json_splice_add(&s, 1, 2, SPAN_OF("Y")));
    assert_true(json_splice_add(&s, 2, 4, SPAN_OF("Z")));
    assert_true(json_splice_add(&s, 6, 9, SPAN_OF("W")));
    assert_span(spliced(&s, SPAN_OF("0123456789")), "0YiZXW9");
}

static void replaces_values(void **state) {
    (void)state;
    span doc = SPAN_OF("{ \"model\" : \"fast\", \"big\": 123456789012345678901234567890,\n"
                       "  \"n\":[1 , 2.50], \"x\":{} }");
    json_value root = scanned(doc);
    json_splice s;
    json_splice_init(&s, &a);
    assert_true(json_splice_value(&s, doc, json_get(root, SPAN_OF("model")), SPAN_OF("\"gpt\"")));
    assert_true(json_splice_value(&s, doc, json_get(root, SPAN_OF("x")), SPAN_OF("null")));
    assert_span(spliced(&s, doc),
                "{ \"model\" : \"gpt\", \"big\": 123456789012345678901234567890,\n"
                "  \"n\":[1 , 2.50], \"x\":null }");
    /* A value of another document is no place in this one. */
    json_value stranger = scanned(SPAN_OF("\"elsewhere\""));
    assert_false(json_splice_value(&s, doc, stranger, SPAN_OF("1")));
    assert_false(json_splice_value(&s, span_slice(doc, 0, 14), json_get(root, SPAN_OF("model")),
                                   SPAN_OF("1")));
    assert_false(json_splice_value(&s, doc, json_get(root, SPAN_OF("none")), SPAN_OF("1")));
    json_splice whole;
    json_splice_init(&whole, &a);
    assert_true(json_splice_value(&whole, doc, root, SPAN_OF("[]")));
    assert_span(spliced(&whole, doc), "[]");
}

static void adds_members(void **state) {
    (void)state;
    static const struct {
        const char *doc, *one, *two;
    } rows[] = {
        {"{}", "{\"a\":1}", "{\"a\":1,\"b\\n\":[2]}"},
        {"{ }", "{ \"a\":1}", "{ \"a\":1,\"b\\n\":[2]}"},
        {" {\"x\":0 } ", " {\"x\":0 ,\"a\":1} ", " {\"x\":0 ,\"a\":1,\"b\\n\":[2]} "},
        {"{\"x\":{}}", "{\"x\":{},\"a\":1}", "{\"x\":{},\"a\":1,\"b\\n\":[2]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span doc = span_cstr(rows[i].doc);
        json_value root = scanned(doc);
        json_splice s;
        json_splice_init(&s, &a);
        assert_true(json_splice_member(&s, doc, root, SPAN_OF("a"), SPAN_OF("1")));
        assert_span(spliced(&s, doc), rows[i].one);
        assert_true(json_splice_member(&s, doc, root, SPAN_OF("b\n"), SPAN_OF("[2]")));
        assert_span(spliced(&s, doc), rows[i].two);
        (void)scanned(spliced(&s, doc));
    }
    json_splice s;
    json_splice_init(&s, &a);
    span doc = SPAN_OF("[1]");
    assert_false(json_splice_member(&s, doc, scanned(doc), SPAN_OF("a"), SPAN_OF("1")));
    assert_int_equal(s.count, 0);
}

/* Edits elsewhere, also one that ends where the member goes, are no members before it. */
static void adds_members_among_edits(void **state) {
    (void)state;
    span doc = SPAN_OF("{\"x\":1,\"o\":{ }}");
    json_value root = scanned(doc), inner = json_get(root, SPAN_OF("o"));
    json_splice s;
    json_splice_init(&s, &a);
    assert_true(json_splice_value(&s, doc, json_get(root, SPAN_OF("x")), SPAN_OF("2")));
    assert_true(json_splice_add(&s, 12, 13, SPAN_EMPTY));
    assert_true(json_splice_member(&s, doc, inner, SPAN_OF("a"), SPAN_OF("3")));
    assert_span(spliced(&s, doc), "{\"x\":2,\"o\":{\"a\":3}}");
}

/* What weir does to a streamed request: another model, the usage chunk asked for. */
static void edits_a_request(void **state) {
    (void)state;
    span doc =
        SPAN_OF("{\"model\":\"fast\",\"stream\":true,\"stream_options\":{\"x\":1},\"seed\":-0}");
    json_value root = scanned(doc);
    json_splice s;
    json_splice_init(&s, &a);
    json_value options = json_get(root, SPAN_OF("stream_options"));
    assert_true(json_splice_member(&s, doc, root, SPAN_OF("user"), SPAN_OF("\"u\"")));
    assert_true(json_splice_member(&s, doc, options, SPAN_OF("include_usage"), SPAN_OF("true")));
    assert_true(
        json_splice_value(&s, doc, json_get(root, SPAN_OF("model")), SPAN_OF("\"gpt-4o\"")));
    assert_true(json_splice_value(&s, doc, json_get(root, SPAN_OF("seed")), SPAN_OF("1")));
    assert_span(spliced(&s, doc),
                "{\"model\":\"gpt-4o\",\"stream\":true,\"stream_options\":{\"x\":1,"
                "\"include_usage\":true},\"seed\":1,\"user\":\"u\"}");
}

enum { MANY = 1000 };

/* Every other byte of a document replaced by the edit's number, whatever order the edits come in:
 * forwards, backwards, and jumping about. */
static void takes_as_many_edits_as_come(void **state) {
    (void)state;
    static const size_t steps[] = {1, MANY - 1, 389};
    buf doc = BUF_EMPTY, expected = BUF_EMPTY;
    for (int i = 0; i < MANY; i++) {
        buf_add_cstr(&doc, "x.");
        buf_addf(&expected, "%d.", i);
    }
    for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
        json_splice s;
        json_splice_init(&s, &a);
        for (size_t i = 0, at = 0; i < MANY; i++, at = (at + steps[k]) % MANY) {
            span by = arena_u64(&a, at);
            assert_true(json_splice_add(&s, 2 * at, 2 * at + 1, by));
            assert_false(json_splice_add(&s, 2 * at, 2 * at + 1, by));
            if (i == JSON_EDITS_INLINE - 1) assert_null(s.many);
        }
        assert_int_equal(s.count, MANY);
        span text = spliced(&s, buf_span(&doc));
        assert_true(span_eq(text, buf_span(&expected)));
    }
    buf_done(&doc);
    buf_done(&expected);
}

static void adds_many_members(void **state) {
    (void)state;
    span doc = SPAN_OF("{\"o\":{}}");
    json_value root = scanned(doc), inner = json_get(root, SPAN_OF("o"));
    json_splice s;
    json_splice_init(&s, &a);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_true(json_splice_member(&s, doc, inner, arena_u64(&a, i), SPAN_OF("1")));
        assert_true(json_splice_member(&s, doc, root, arena_u64(&a, i), SPAN_OF("2")));
    }
    json_value edited = scanned(spliced(&s, doc));
    assert_int_equal(json_count(edited), MANY + 1);
    assert_int_equal(json_count(json_get(edited, SPAN_OF("o"))), MANY);
}

static void needs_no_memory_for_few(void **state) {
    (void)state;
    size_t before = a.used;
    json_splice s;
    json_splice_init(&s, &a);
    for (size_t i = 0; i < JSON_EDITS_INLINE; i++)
        assert_true(json_splice_add(&s, i, i + 1, SPAN_OF("y")));
    assert_int_equal(a.used, before);
    assert_true(json_splice_add(&s, JSON_EDITS_INLINE, JSON_EDITS_INLINE, SPAN_OF("z")));
    assert_true(a.used > before);
    assert_span(spliced(&s, SPAN_OF("01234567890")), "yyyyyyyyz890");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_nothing),   cmocka_unit_test(keeps_edits_in_order),
        cmocka_unit_test(refuses_overlaps),  cmocka_unit_test(replaces_values),
        cmocka_unit_test(adds_members),      cmocka_unit_test(adds_members_among_edits),
        cmocka_unit_test(edits_a_request),   cmocka_unit_test(takes_as_many_edits_as_come),
        cmocka_unit_test(adds_many_members), cmocka_unit_test(needs_no_memory_for_few),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
