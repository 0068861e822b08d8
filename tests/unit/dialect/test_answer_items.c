/* By which of its items a response may be named: of each kind the last. */
#include "unit.h"

#include "heap.h"

#include "dialect/answer_items.h"

/* "kind id" each, '!' behind it where it is sealed. */
static void take(answer_items *s, arena *a, const char *items) {
    span rest = span_cstr(items), word;
    while (span_cut(&rest, ' ', &word)) {
        buf b = BUF_EMPTY;
        const bool sealed = span_ends(word, SPAN_OF("!"));
        const size_t len = word.len - sealed, colon = span_find(word, 0, ':');
        buf_addf(&b, "{\"type\":\"%.*s\",\"id\":\"%.*s\"%s}", (int)colon, word.ptr,
                 (int)(len - colon - 1), word.ptr + colon + 1,
                 sealed ? ",\"encrypted_content\":\"x\"" : "");
        const span kept = arena_dup(a, buf_span(&b));
        (void)answer_items_add(s, (json_value){JSON_OBJECT, kept});
        buf_done(&b);
    }
}

static void of_each_kind_the_last(void **state) {
    (void)state;
    static const struct {
        const char *items, *left;
    } rows[] = {
        {"message:a", "a "},
        {"call:a call:b", "b "},
        {"call:a call:a", "a "},
        {"call:a message:b call:c", "b c "},
        {"reasoning:a! reasoning:b", "a "},
        {"reasoning:a reasoning:b!", "b "},
        {"reasoning:a! reasoning:b!", "b "},
        {"k1:a k2:b k3:c k4:d k5:e", "b c d e "},
        {"k1:a! k2:b k3:c k4:d k5:e", "a c d e "},
        {"k1:a! k2:b! k3:c! k4:d! k5:e", "b c d e "},
        {"k1:a k2:b k3:c k4:d k2:e", "a c d e "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a, 0);
        answer_items s = {0};
        buf left = BUF_EMPTY;
        take(&s, &a, rows[i].items);
        for (unsigned k = 0; k < s.count; k++) {
            buf_add(&left, json_string(s.of[k].id, &a));
            buf_add_char(&left, ' ');
        }
        assert_string_equal(buf_cstr(&left), rows[i].left);
        buf_done(&left);
        arena_done(&a);
    }
}

static void what_is_no_id_is_passed_over(void **state) {
    (void)state;
    char longest[ANSWER_ITEM_ID + 1];
    memset(longest, 'x', sizeof longest);
    for (int more = 0; more < 2; more++) {
        char item[ANSWER_ITEM_ID + 32];
        (void)snprintf(item, sizeof item, "{\"id\":\"%.*s\"}", ANSWER_ITEM_ID - 2 + more, longest);
        answer_items s = {0};
        (void)answer_items_add(&s, (json_value){JSON_OBJECT, span_cstr(item)});
        assert_int_equal(s.count, !more);
    }
    static const char *const none[] = {"{}", "{\"id\":7}", "{\"id\":null,\"type\":\"message\"}"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        answer_items s = {0};
        assert_null(answer_items_add(&s, (json_value){JSON_OBJECT, span_cstr(none[i])}));
        assert_int_equal(s.count, 0);
    }
}

static void the_item_of_an_event(void **state) {
    (void)state;
    static const struct {
        const char *name, *data;
        bool is_item;
    } rows[] = {
        {"", "{\"type\":\"response.output_item.added\",\"item\":{}}", true},
        {"response.output_item.done", "{\"item\":{}}", true},
        {"message", "{\"type\":\"response.output_item.done\",\"item\":{}}", true},
        {"", "{\"type\":\"response.output_text.delta\",\"item\":{}}", false},
        {"response.output_text.delta", "{\"item\":{}}", false},
        {"", "{\"item\":{}}", false},
        {"", "{\"type\":\"response.output_item.added\"}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const answer_event e = {.kind = ANSWER_STREAM,
                                .name = span_cstr(rows[i].name),
                                .data = span_cstr(rows[i].data)};
        assert_int_equal(answer_item_of(&e).type == JSON_OBJECT, rows[i].is_item);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(of_each_kind_the_last),
        cmocka_unit_test(what_is_no_id_is_passed_over),
        cmocka_unit_test(the_item_of_an_event),
    };
    return run_watched(tests);
}
