/* Which of three keys is taken, by what is known of each. */
#include "origin.h"

#include "call/pick_key.h"

enum { KEYS = 3, NOW = 10000 };

typedef struct row {
    const char *known; /* of each key: '-' well, 'r' refused, 'u' limited for no one knows how long,
                          '1' '2' … limited for so many seconds, 'x' refused and limited for 1 s */
    const char *spent; /* "" none, else of each key '.' or 's' */
    int like;          /* the key that is preferred; -1: none */
    const char *taken; /* in five turns; empty: none may be used */
    key_readiness readiness;
    int64_t wait_ms;
} row;

static void make_known(upstream *u, target_state *t, const char *known) {
    for (size_t i = 0; i < KEYS; i++) {
        key_state *k = u->keys[i].state;
        char c = known[i];
        if (c == 'r' || c == 'x') (void)key_refused(k, 401, SPAN_EMPTY, 0, NOW);
        if (c == 'u') target_limit(t, k, -1, NOW);
        if (c == 'x') target_limit(t, k, 1000, NOW);
        if (c >= '0' && c <= '9') target_limit(t, k, (c - '0') * 1000, NOW);
    }
}

static void takes(const row *r) {
    world w = {.scripts = {{""}}, .keys = {"[sk-provider-1, sk-provider-2, sk-provider-3]"}};
    world_init(&w, NULL);
    upstream *u = loop_snapshot_find(w.snapshot, &w.config->providers[0]);
    target_state *t = target_get(w.targets, SPAN_OF("a"));
    make_known(u, t, r->known);
    bool spent[KEYS];
    for (size_t i = 0; *r->spent && i < KEYS; i++)
        spent[i] = r->spent[i] == 's';
    const bool *left_out = *r->spent ? spent : NULL;
    uint64_t like = r->like < 0 ? 0 : key_id(u->keys[r->like].state);
    key_outlook look = keys_look(u, left_out, t, NOW);
    buf taken = BUF_EMPTY;
    for (int i = 0; i < 5; i++) {
        size_t at = 9;
        key_outlook got = keys_take(u, left_out, t, like, NOW, &at);
        assert_int_equal(got.readiness, look.readiness);
        assert_int_equal(got.wait_ms, look.wait_ms);
        if (got.readiness != KEY_RESTING) buf_addf(&taken, "%zu", at);
    }
    const char *is = taken.len ? buf_cstr(&taken) : "";
    if (strcmp(is, r->taken)) print_error("in the row: %s %s\n", r->known, r->spent);
    assert_string_equal(is, r->taken);
    assert_int_equal(look.readiness, r->readiness);
    assert_int_equal(look.wait_ms, r->wait_ms);
    buf_done(&taken);
    world_done(&w);
}

static void the_best_is_taken_in_turn(void **state) {
    (void)state;
    static const row rows[] = {
        {"---", "", -1, "01201", KEY_FREE, 0},
        {"r--", "", -1, "11211", KEY_FREE, 0},
        {"-u-", "", -1, "02202", KEY_FREE, 0},
        {"-5-", "", -1, "02202", KEY_FREE, 0},
        {"r5-", "", -1, "22222", KEY_FREE, 0},
        {"rrr", "", -1, "01201", KEY_LAST, 0},
        {"r55", "", -1, "00000", KEY_LAST, 0},
        {"u5r", "", -1, "02202", KEY_LAST, 0},
        {"352", "", -1, "", KEY_RESTING, 2000},
        {"5x5", "", -1, "", KEY_RESTING, 1000},
        {"0--", "", -1, "01201", KEY_FREE, 0},
        /* the one that is preferred, where it may be used as well as any */
        {"---", "", 1, "11111", KEY_FREE, 0},
        {"-r-", "", 1, "22222", KEY_FREE, 0},
        {"-5-", "", 1, "22222", KEY_FREE, 0},
        {"rrr", "", 1, "11111", KEY_LAST, 0},
        /* those that this call has spent are out of the question */
        {"---", "s..", -1, "11211", KEY_FREE, 0},
        {"---", "s..", 0, "11111", KEY_FREE, 0},
        {"--r", "ss.", -1, "22222", KEY_LAST, 0},
        {"--4", "ss.", -1, "", KEY_RESTING, 4000},
        {"-1-", "s.s", -1, "", KEY_RESTING, 1000},
        {"---", "sss", -1, "", KEY_RESTING, KEY_NEVER},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        takes(&rows[i]);
}

/* In a round each has its share, as far apart as can be; who may not be used is passed over. */
static void turns_go_by_weight(void **state) {
    (void)state;
    static const struct {
        const char *keys, *known, *taken;
    } rows[] = {
        {"[{value: sk-1, weight: 3}, sk-2, {value: sk-3, weight: 2}]", "---",
         "020120"
         "020120"},
        {"[{value: sk-1, weight: 2}, {value: sk-2, weight: 2}, {value: sk-3, weight: 2}]", "---",
         "012012"},
        {"[sk-1, sk-2, {value: sk-3, weight: 9}]", "---",
         "22202221222"
         "22202221222"},
        {"[{value: sk-1, weight: 3}, sk-2, {value: sk-3, weight: 2}]", "r--", "121121"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world w = {.scripts = {{""}}, .keys = {rows[i].keys}};
        world_init(&w, NULL);
        upstream *u = loop_snapshot_find(w.snapshot, &w.config->providers[0]);
        target_state *t = target_get(w.targets, SPAN_OF("a"));
        make_known(u, t, rows[i].known);
        buf taken = BUF_EMPTY;
        for (size_t n = 0; n < strlen(rows[i].taken); n++) {
            size_t at = 9;
            (void)keys_take(u, NULL, t, 0, NOW, &at);
            buf_addf(&taken, "%zu", at);
        }
        assert_string_equal(buf_cstr(&taken), rows[i].taken);
        buf_done(&taken);
        world_done(&w);
    }
}

/* A limit is the target's, a refusal the key's. */
static void limits_are_of_one_model(void **state) {
    (void)state;
    world w = {.scripts = {{""}}, .keys = {"[sk-provider-1, sk-provider-2]"}};
    world_init(&w, NULL);
    upstream *u = loop_snapshot_find(w.snapshot, &w.config->providers[0]);
    target_state *large = target_get(w.targets, SPAN_OF("a/large"));
    target_state *small = target_get(w.targets, SPAN_OF("a/small"));
    for (size_t i = 0; i < 2; i++)
        target_limit(large, u->keys[i].state, 5000, NOW);
    assert_int_equal(keys_look(u, NULL, large, NOW).readiness, KEY_RESTING);
    assert_int_equal(keys_look(u, NULL, small, NOW).readiness, KEY_FREE);
    for (size_t i = 0; i < 2; i++)
        (void)key_refused(u->keys[i].state, 401, SPAN_EMPTY, 0, NOW);
    assert_int_equal(keys_look(u, NULL, small, NOW).readiness, KEY_LAST);
    world_done(&w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_taken_in_turn),
        cmocka_unit_test(turns_go_by_weight),
        cmocka_unit_test(limits_are_of_one_model),
    };
    return run_watched(tests);
}
