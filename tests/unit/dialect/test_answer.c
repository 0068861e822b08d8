/* Events that are kept and changed: every place must be one of the new bytes. */
#include "heap.h"

#include "base/mem.h"
#include "base/random.h"
#include "dialect/reader.h"

static const char chunk[] =
    "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\","
    "\"tool_calls\":[{\"index\":3,\"function\":{\"arguments\":\"two\"}}]},"
    "\"finish_reason\":\"stop\"}],\"error\":{\"code\":\"three\"},\"created\":5,"
    "\"usage\":{\"prompt_tokens\":3}}";

static reader r;
static char *bytes; /* the event's own, so that a span that still points there is seen */

static answer_event read_chunk(const char *text) {
    const reader_spec spec = {.dialect = DIALECT_OPENAI_CHAT,
                              .want = WANT_PARTS | WANT_ENVELOPE,
                              .choices = 1,
                              .usage_added = true,
                              .answer_bytes = 4096};
    bytes = strdup(text);
    reader_init(&r, &spec, SPAN_EMPTY, -1);
    answer_event e = {.kind = ANSWER_STREAM,
                      .name = SPAN("named"),
                      .data = span_cstr(bytes),
                      .envelope = &r.envelope};
    dialect_get(DIALECT_OPENAI_CHAT)->read(&r, &e);
    e.parts = r.parts;
    e.part_count = r.part_count;
    return e;
}

/* Overwrites all that the event borrows, then gives it back. */
static void forget_chunk(answer_event *e) {
    memset(bytes, '#', strlen(bytes));
    free(bytes);
    memset(&r.envelope, 0, sizeof r.envelope);
    if (r.parts) memset(r.parts, 0, r.part_cap * sizeof *r.parts);
    memset(&r.usage, 0, sizeof r.usage);
    *e = (answer_event){.kind = ANSWER_STREAM};
    reader_done(&r);
}

static void assert_within(span s, span whole) {
    assert_true(s.ptr >= whole.ptr && s.ptr + s.len <= whole.ptr + whole.len);
}

static void assert_is_chunk(const answer_event *e) {
    assert_int_equal(e->kind, ANSWER_STREAM);
    assert_int_equal(e->sorts, EVENT_CONTENT | EVENT_FINISH | EVENT_ERROR);
    assert_true(e->is_json);
    assert_span(e->name, "named");
    assert_span(e->data, chunk);
    assert_int_equal(e->part_count, 3);
    assert_int_equal(e->parts[1].kind, PART_TOOL_ARGS);
    assert_int_equal(e->parts[1].item, 3);
    assert_span(e->parts[0].value.raw, "\"one\"");
    assert_span(e->parts[1].value.raw, "\"two\"");
    assert_span(e->parts[2].value.raw, "\"stop\"");
    assert_span(e->finish_reason, "stop");
    assert_span(e->error.raw, "{\"code\":\"three\"}");
    assert_span(e->envelope->id.raw, "\"x\"");
    assert_span(e->envelope->model.raw, "\"m\"");
    assert_span(e->envelope->created.raw, "5");
    assert_int_equal(e->usage->prompt, 3);
    assert_span(e->usage_text, "{\"prompt_tokens\":3}");
    assert_within(e->usage_text, e->data);
    assert_int_equal(e->status, 502);
}

static void a_copy_stands_alone(void **state) {
    (void)state;
    answer_event e = read_chunk(chunk);
    answer_event *copy = answer_copy(&e);
    forget_chunk(&e);
    assert_is_chunk(copy);
    assert_within(copy->parts[2].value.raw, copy->data);
    assert_within(copy->finish_reason, copy->data);
    answer_event *second = answer_copy(copy);
    answer_free(copy);
    assert_is_chunk(second);
    answer_free(second);
    answer_free(NULL);
}

/* A finish reason may be a word of the reader's, and all but the data may be missing. */
static void a_copy_of_little(void **state) {
    (void)state;
    char word[] = "length";
    answer_event e = {.kind = ANSWER_STREAM, .finish_reason = span_cstr(word)};
    answer_event *copy = answer_copy(&e);
    memset(word, '#', strlen(word));
    assert_span(copy->finish_reason, "length");
    assert_int_equal(copy->data.len, 0);
    assert_int_equal(copy->part_count, 0);
    assert_null(copy->usage);
    assert_null(copy->envelope);
    answer_free(copy);
}

static void a_queue_gives_what_it_got_in_order(void **state) {
    (void)state;
    answer_queue q;
    answer_queue_init(&q);
    assert_null(answer_queue_take(&q));
    static const char *const data[] = {"a", "bb", "ccc"};
    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        const answer_event e = {.kind = ANSWER_STREAM, .data = span_cstr(data[i])};
        answer_queue_add(&q, &e);
    }
    size_t all = q.bytes;
    assert_true(all > 3 * sizeof(answer_event));
    answer_event *first = answer_queue_take(&q);
    assert_span(first->data, "a");
    answer_free(first);
    assert_true(q.bytes < all);
    answer_queue_done(&q); /* with two left */
    assert_int_equal(q.bytes, 0);
    answer_queue_init(&q);
    answer_event e = read_chunk(chunk);
    answer_queue_add(&q, &e);
    forget_chunk(&e);
    answer_event *kept = answer_queue_take(&q);
    assert_is_chunk(kept);
    answer_free(kept);
    assert_int_equal(q.bytes, 0);
}

static void a_rewriting_moves_what_stands_behind(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    answer_event e = read_chunk(chunk), changed;
    const answer_edit edits[] = {{0, SPAN("longer \"1\"")}, {1, SPAN("")}, {2, SPAN("end")}};
    answer_rewrite(&e, edits, ARRAY_LEN(edits), &a, &changed);
    assert_is_chunk(&e); /* as it was */
    assert_span(changed.data,
                "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                "\"longer \\\"1\\\"\",\"tool_calls\":[{\"index\":3,\"function\":{\"arguments\":"
                "\"\"}}]},\"finish_reason\":\"end\"}],\"error\":{\"code\":\"three\"},"
                "\"created\":5,\"usage\":{\"prompt_tokens\":3}}");
    assert_span(changed.parts[0].value.raw, "\"longer \\\"1\\\"\"");
    assert_span(changed.parts[1].value.raw, "\"\"");
    assert_span(changed.parts[2].value.raw, "\"end\"");
    assert_span(changed.finish_reason, "end");
    assert_span(changed.error.raw, "{\"code\":\"three\"}");
    assert_span(changed.envelope->id.raw, "\"x\"");
    assert_span(changed.envelope->model.raw, "\"m\"");
    assert_span(changed.envelope->created.raw, "5");
    assert_within(changed.error.raw, changed.data);
    assert_within(changed.envelope->created.raw, changed.data);
    assert_within(changed.envelope->id.raw, changed.data);
    assert_span(changed.name, "named");
    assert_int_equal(changed.usage->prompt, 3);
    assert_span(changed.usage_text, "{\"prompt_tokens\":3}");
    assert_within(changed.usage_text, changed.data);
    /* None, or one in the middle: what is before it stays where it was. */
    answer_rewrite(&e, NULL, 0, &a, &changed);
    assert_is_chunk(&changed);
    answer_rewrite(&e, &edits[1], 1, &a, &changed);
    assert_span(changed.parts[0].value.raw, "\"one\"");
    assert_span(changed.parts[1].value.raw, "\"\"");
    assert_span(changed.parts[2].value.raw, "\"stop\"");
    answer_event *copy = answer_copy(&changed);
    assert_span(copy->parts[2].value.raw, "\"stop\"");
    answer_free(copy);
    /* Nothing is no string any more. */
    answer_rewrite(&e, &(answer_edit){.part = 2}, 1, &a, &changed);
    assert_span(changed.parts[2].value.raw, "null");
    assert_int_equal(changed.parts[2].value.type, JSON_NULL);
    assert_int_equal(changed.parts[1].value.type, JSON_STRING);
    assert_int_equal(changed.finish_reason.len, 0);
    forget_chunk(&e);
    arena_done(&a);
}

/* A part in the midst of what goes is no text any more; what follows has moved. */
static void what_holds_parts_may_go(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    answer_event e = read_chunk(chunk), changed;
    const char *from = strstr(e.data.ptr, "[{\"index\":3"), *to = strstr(from, "}]") + 2;
    const answer_edit edits[] = {
        {0, SPAN("longer")},
        {.bytes = span_from(from, (size_t)(to - from)), .json = SPAN_OF("null")}};
    answer_rewrite(&e, edits, ARRAY_LEN(edits), &a, &changed);
    assert_span(changed.data,
                "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                "\"longer\",\"tool_calls\":null},\"finish_reason\":\"stop\"}],"
                "\"error\":{\"code\":\"three\"},\"created\":5,\"usage\":{\"prompt_tokens\":3}}");
    assert_span(changed.parts[0].value.raw, "\"longer\"");
    assert_int_equal(changed.parts[1].value.type, JSON_NULL);
    assert_int_equal(changed.parts[1].value.raw.len, 0);
    assert_within(changed.parts[1].value.raw, changed.data);
    assert_span(changed.parts[2].value.raw, "\"stop\"");
    assert_span(changed.finish_reason, "stop");
    answer_event *copy = answer_copy(&changed);
    assert_within(copy->parts[1].value.raw, copy->data);
    answer_free(copy);
    forget_chunk(&e);
    arena_done(&a);
}

/* ---- many parts, many edits ---- */

enum { GROUPS_MOST = 20000, IN_GROUP = 3, PARTS_MOST = GROUPS_MOST * IN_GROUP };

/* A list of lists of texts, what is changed of it, and what comes: where each text stands then.
 * Places are offsets until all bytes are there. */
typedef struct many {
    rng rng;
    buf old, new;
    answer_part parts[PARTS_MOST];
    answer_edit edits[PARTS_MOST];
    struct {
        size_t at, len;
    } was[PARTS_MOST], comes[PARTS_MOST], place[PARTS_MOST];
    size_t count, edit_count;
} many;

static void add_edit(many *m, answer_edit e, size_t at, size_t len) {
    m->place[m->edit_count].at = at;
    m->place[m->edit_count].len = len;
    m->edits[m->edit_count++] = e;
}

static void add_text(many *m, bool gone) {
    static const char *const texts[] = {"", "\"\"", "\"a\"", "\"longer than it was\""};
    const size_t i = m->count++, at = m->old.len;
    const char *said = texts[1 + rng_u64(&m->rng) % 3];
    buf_add_cstr(&m->old, said);
    m->was[i].at = at;
    m->was[i].len = m->old.len - at;
    if (gone) return;
    m->comes[i].at = m->new.len;
    switch (rng_u64(&m->rng) % 3) {
    case 0: buf_add_cstr(&m->new, said); break;
    case 1:
        buf_add_cstr(&m->new, "\"text\"");
        add_edit(m, (answer_edit){.part = i, .text = SPAN_OF("text")}, at, m->was[i].len);
        break;
    default: /* between its quotes */
        buf_add_cstr(&m->new, "\"in\"");
        add_edit(m, (answer_edit){.json = SPAN_OF("in")}, at + 1, m->was[i].len - 2);
        break;
    }
    m->comes[i].len = m->new.len - m->comes[i].at;
}

static void add_group(many *m) {
    const bool gone = rng_u64(&m->rng) % 4 == 0;
    const size_t at = m->old.len, to = m->new.len, first = m->count, edit = m->edit_count;
    if (gone) add_edit(m, (answer_edit){.json = SPAN_OF("null")}, at, 0);
    buf_add_char(&m->old, '[');
    buf_add_cstr(&m->new, gone ? "null" : "[");
    for (size_t n = 1 + rng_u64(&m->rng) % IN_GROUP; n; n--) {
        add_text(m, gone);
        buf_add_cstr(&m->old, n > 1 ? "," : "]");
        if (!gone) buf_add_cstr(&m->new, n > 1 ? "," : "]");
    }
    if (gone) m->place[edit].len = m->old.len - at;
    for (size_t i = first; gone && i < m->count; i++)
        m->comes[i].at = to, m->comes[i].len = 0;
}

static void check_many(many *m, size_t groups) {
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < groups; i++) {
        buf_add_cstr(&m->old, i ? ", " : "[");
        buf_add_cstr(&m->new, i ? ", " : "[");
        add_group(m);
    }
    buf_add_cstr(&m->old, "] ");
    buf_add_cstr(&m->new, "] ");
    const char *old = m->old.ptr;
    for (size_t i = 0; i < m->count; i++)
        m->parts[i] =
            (answer_part){.value = {JSON_STRING, span_from(old + m->was[i].at, m->was[i].len)}};
    for (size_t i = 0; i < m->edit_count; i++)
        m->edits[i].bytes = span_from(old + m->place[i].at, m->place[i].len);
    for (size_t i = m->edit_count; i-- > 1;) { /* shuffled, to be put in order again */
        const size_t k = rng_u64(&m->rng) % (i + 1);
        const answer_edit e = m->edits[i];
        m->edits[i] = m->edits[k];
        m->edits[k] = e;
    }
    const answer_event e = {.kind = ANSWER_PLAIN,
                            .data = buf_span(&m->old),
                            .parts = m->parts,
                            .part_count = m->count,
                            .error = {JSON_ARRAY, span_from(old, m->old.len - 1)}};
    answer_event changed;
    m->edit_count = answer_edits_sort(&e, m->edits, m->edit_count);
    answer_rewrite(&e, m->edits, m->edit_count, &a, &changed);
    assert_true(span_eq(changed.data, buf_span(&m->new)));
    for (size_t i = 0; i < m->count; i++) {
        const span value = changed.parts[i].value.raw;
        assert_ptr_equal(value.ptr, changed.data.ptr + m->comes[i].at);
        assert_int_equal(value.len, m->comes[i].len);
    }
    assert_ptr_equal(changed.error.raw.ptr, changed.data.ptr);
    assert_int_equal(changed.error.raw.len, changed.data.len - 1);
    buf_clear(&m->old);
    buf_clear(&m->new);
    m->count = m->edit_count = 0;
    arena_done(&a);
}

/* Whatever is changed where; and as many as an answer of some hundred KB may have. */
static void many_parts_and_edits(void **state) {
    (void)state;
    many *m = mem_zalloc(sizeof *m);
    rng_seed(&m->rng, 1);
    for (size_t groups = 1; groups < 200; groups++)
        check_many(m, 1 + groups % 20);
    check_many(m, GROUPS_MOST);
    buf_done(&m->old);
    buf_done(&m->new);
    free(m);
}

/* With the comma that parts it from a neighbour, and nothing else. */
static void the_null_usage_is_cut_out(void **state) {
    (void)state;
#define CHOICES "\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]"
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"{\"usage\":null," CHOICES "}", "{" CHOICES "}"},
        {"{" CHOICES ",\"usage\":null}", "{" CHOICES "}"},
        {"{" CHOICES ",\"usage\":null,\"x\":1}", "{" CHOICES ",\"x\":1}"},
        {"{ \"usage\" : null , " CHOICES " }", "{ " CHOICES " }"},
        {"{ " CHOICES " , \"usage\" : null }", "{ " CHOICES "  }"},
        {"{" CHOICES ", \"usage\": null, \"x\": 1.0e+2}", "{" CHOICES ", \"x\": 1.0e+2}"},
        {"{" CHOICES ",\n\t\"usage\":\r\nnull\n,\n\t\"x\":1}", "{" CHOICES ",\n\t\"x\":1}"},
        {"{\"u\":\"\\\"usage\\\":null,\"," CHOICES ",\"usage\":null}",
         "{\"u\":\"\\\"usage\\\":null,\"," CHOICES "}"},
        {"{\"usage\":null}", "{}"},
    };
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer_event e = read_chunk(rows[i].from), cut, again;
        answer_event *copy = answer_copy(&e);
        answer_cut_usage(&e, &a, &cut);
        assert_span(cut.data, rows[i].to);
        assert_int_equal(cut.null_usage.len, 0);
        assert_int_equal(cut.sorts, e.sorts);
        answer_cut_usage(copy, &a, &again); /* one that waited */
        assert_span(again.data, rows[i].to);
        forget_chunk(&e);
        answer_free(copy);
    }
#undef CHOICES
    arena_done(&a);
}

/* Every place is one of the new bytes. */
static void what_stands_around_the_cut_moves(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    answer_event e = read_chunk(
                     "{\"id\":\"x\",\"usage\":null,\"model\":\"m\",\"choices\":[{\"delta\":"
                     "{\"content\":\"one\"},\"finish_reason\":\"stop\"}],"
                     "\"error\":{\"code\":\"three\"}}"),
                 cut, changed;
    answer_rewrite(&e, &(answer_edit){0, SPAN("another")}, 1, &a, &changed);
    assert_span(changed.null_usage, "\"usage\":null");
    answer_cut_usage(&changed, &a, &cut);
    forget_chunk(&e);
    assert_span(cut.data,
                "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"another\"},"
                "\"finish_reason\":\"stop\"}],\"error\":{\"code\":\"three\"}}");
    assert_span(cut.parts[0].value.raw, "\"another\"");
    assert_span(cut.parts[1].value.raw, "\"stop\"");
    assert_span(cut.finish_reason, "stop");
    assert_span(cut.error.raw, "{\"code\":\"three\"}");
    assert_span(cut.envelope->id.raw, "\"x\"");
    assert_span(cut.envelope->model.raw, "\"m\"");
    assert_int_equal(cut.envelope->created.type, JSON_NONE);
    assert_within(cut.parts[0].value.raw, cut.data);
    assert_within(cut.finish_reason, cut.data);
    assert_within(cut.envelope->id.raw, cut.data);
    arena_done(&a);
}

static void a_set_of_choices(void **state) {
    (void)state;
    choice_set s = {{0}};
    static const unsigned in[] = {0, 63, 64, 63, 500};
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        assert_int_equal(choice_set_has(&s, in[i]), i == 3);
        choice_set_add(&s, in[i]);
    }
    assert_int_equal(choice_set_count(&s), 4);
    assert_true(choice_set_has(&s, 0) && choice_set_has(&s, 64));
    assert_false(choice_set_has(&s, 1) || choice_set_has(&s, 65));
    assert_true(choice_set_has(&s, ANSWER_CHOICES - 1) && choice_set_has(&s, 501)); /* as one */
}

/* In the form of an event, but nothing that it said besides. */
static void an_event_is_made_like_another(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    answer_event e = read_chunk(chunk), said;
    answer_say_like(&e, 0, SPAN_OF("held"), &a, &said);
    assert_is_chunk(&e);
    assert_span(said.data,
                "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                "\"held\",\"tool_calls\":[{\"index\":3,\"function\":{\"arguments\":"
                "\"\"}}]},\"finish_reason\":null}],\"error\":{\"code\":\"three\"},"
                "\"created\":5,\"usage\":{\"prompt_tokens\":3}}");
    assert_int_equal(said.sorts, EVENT_CONTENT);
    assert_null(said.usage);
    assert_int_equal(said.finish_reason.len, 0);
    assert_int_equal(said.part_count, 3);
    assert_span(said.parts[0].value.raw, "\"held\"");
    answer_say_like(&e, 1, SPAN_OF("{}"), &a, &said);
    assert_span(said.parts[0].value.raw, "\"\"");
    assert_span(said.parts[1].value.raw, "\"{}\"");
    assert_int_equal(said.parts[2].value.type, JSON_NULL);
    forget_chunk(&e);
    /* What is no text goes; a list is empty, as who reads one expects. */
    e = read_chunk("{\"choices\":[{\"delta\":{\"new\":[1],\"content\":\"a\"}}]}");
    answer_say_like(&e, 1, SPAN_OF("b"), &a, &said);
    assert_span(said.data, "{\"choices\":[{\"delta\":{\"new\":[],\"content\":\"b\"}}]}");
    forget_chunk(&e);
    arena_done(&a);
}

/* Two filters' work, or one's own: what is taken out may hold what was changed. */
static void edits_within_others_go(void **state) {
    (void)state;
    static const char text[] = "{\"a\":{\"b\":\"c\",\"d\":[\"e\"]},\"f\":1}";
    const answer_event e = {.kind = ANSWER_PLAIN, .data = span_from(text, sizeof text - 1)};
    answer_edit edits[] = {
        {.bytes = span_from(text + 11, 1), .json = SPAN("C")},    /* c */
        {.bytes = span_from(text + 18, 5), .json = SPAN("[]")},   /* ["e"] */
        {.bytes = span_from(text + 20, 1), .json = SPAN("E")},    /* e, in it */
        {.bytes = span_from(text + 29, 1), .json = SPAN("2")},    /* 1 */
        {.bytes = span_from(text + 5, 19), .json = SPAN("null")}, /* all of a */
    };
    arena a;
    answer_event changed;
    arena_init(&a, 0);
    assert_span(edits[1].bytes, "[\"e\"]");
    assert_span(edits[4].bytes, "{\"b\":\"c\",\"d\":[\"e\"]}");
    size_t left = answer_edits_sort(&e, edits, 4);
    assert_int_equal(left, 3);
    answer_rewrite(&e, edits, left, &a, &changed);
    assert_span(changed.data, "{\"a\":{\"b\":\"C\",\"d\":[]},\"f\":2}");
    edits[left] = edits[4];
    left = answer_edits_sort(&e, edits, left + 1);
    assert_int_equal(left, 2);
    answer_rewrite(&e, edits, left, &a, &changed);
    assert_span(changed.data, "{\"a\":null,\"f\":2}");
    arena_done(&a);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_of_choices),
        cmocka_unit_test(edits_within_others_go),
        cmocka_unit_test(a_copy_stands_alone),
        cmocka_unit_test(a_copy_of_little),
        cmocka_unit_test(a_queue_gives_what_it_got_in_order),
        cmocka_unit_test(a_rewriting_moves_what_stands_behind),
        cmocka_unit_test(what_holds_parts_may_go),
        cmocka_unit_test(many_parts_and_edits),
        cmocka_unit_test(the_null_usage_is_cut_out),
        cmocka_unit_test(what_stands_around_the_cut_moves),
        cmocka_unit_test(an_event_is_made_like_another),
    };
    return run_watched(tests);
}
