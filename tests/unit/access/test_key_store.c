/* Keys in the store: over a file, and over a server of the test's own where PostgreSQL is
 * installed.
 */
#include "unit.h"

#include "access/key_store.h"
#include "ledger/places.h"

#include <poll.h>

#define SECOND_US ((int64_t)1000000)
#define NOW       (1800000000 * SECOND_US)

typedef struct world {
    own_place at;
    key_store *keys;
    arena arena;
} world;

static void open_again(world *w) {
    buf why = BUF_EMPTY;
    key_store_close(w->keys);
    if (key_store_open(&w->at.place, false, &w->keys, &why) != STORE_OPEN)
        fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
}

static int begin(void **state, bool at_server) {
    static world w;
    w = (world){0};
    if (at_server)
        place_at_server(&w.at);
    else
        place_in_folder(&w.at);
    arena_init(&w.arena, 0);
    open_again(&w);
    *state = &w;
    return 0;
}

static int set_up(void **state) {
    return begin(state, false);
}

static int set_up_postgres(void **state) {
    return begin(state, true);
}

static int tear_down(void **state) {
    world *w = *state;
    key_store_close(w->keys);
    arena_done(&w->arena);
    place_done(&w->at);
    return 0;
}

/* ---- what tests ask ---- */

static key_wish wish(world *w, key_wish_kind kind, const char *json) {
    key_wish ret;
    span param;
    buf why = BUF_EMPTY;
    if (!key_wish_read(span_cstr(json), kind, NOW, &w->arena, &ret, &param, &why))
        fail_msg("%s", buf_cstr(&why));
    return ret;
}

typedef struct made {
    store_key row;
    char text[KEY_TEXT_LEN + 1];
} made;

static made make(world *w, const char *json) {
    made m;
    const key_wish wanted = wish(w, WISH_NEW, json);
    const key_outcome o = key_store_create(w->keys, &wanted, NOW, &w->arena, &m.row, m.text);
    if (o != KEYS_DONE) fail_msg("%d: %.*s", o, SPAN_ARG(key_store_why(w->keys)));
    return m;
}

static key_outcome find(world *w, const char *text, store_key *ret) {
    unsigned char hash[SHA256_LEN];
    key_store_hash(w->keys, span_cstr(text), hash);
    return key_store_find(w->keys, hash, &w->arena, ret);
}

static bool count(void *user, const unsigned char hash[SHA256_LEN]) {
    (void)hash;
    ++*(unsigned *)user;
    return true;
}

static unsigned changes_after(world *w, int64_t after) {
    unsigned n = 0;
    assert_true(key_store_changes(w->keys, after, count, &n));
    return n;
}

static int64_t last_change(world *w) {
    int64_t last;
    assert_true(key_store_last_change(w->keys, &last));
    return last;
}

/* ---- tests ---- */

static void a_key_is_found_by_its_text_name_and_id(void **state) {
    world *w = *state;
    store_key row;
    assert_int_equal(last_change(w), 0);
    made m = make(w, "{\"name\":\"app\",\"expires\":\"30d\",\"models\":[\"gpt-4o*\"]}");
    assert_int_equal(key_text_form(span_cstr(m.text)), KEY_WELL_FORMED);
    open_again(w);
    assert_int_equal(find(w, m.text, &row), KEYS_DONE);
    assert_span(row.name, "app");
    assert_span(row.options, "{\"models\": [\"gpt-4o*\"]}");
    assert_true(span_eq(row.id, m.row.id) && row.id.len == KEY_ID_LEN);
    assert_memory_equal(row.hint.ptr, m.text, KEY_HINT_LEN);
    assert_int_equal(row.created_us, NOW);
    assert_int_equal(row.expires_us, NOW + 30 * 24 * 3600 * SECOND_US);
    assert_int_equal(row.until_us + row.revoked_us + row.rotated_us, 0);
    assert_int_equal(key_store_get(w->keys, SPAN_OF("app"), &w->arena, &row), KEYS_DONE);
    assert_int_equal(key_store_get(w->keys, m.row.id, &w->arena, &row), KEYS_DONE);
    assert_span(row.name, "app");
    assert_int_equal(key_store_get(w->keys, SPAN_OF("other"), &w->arena, &row), KEYS_UNKNOWN);
    assert_int_equal(key_store_get(w->keys, SPAN_OF("a\0p"), &w->arena, &row), KEYS_UNKNOWN);
    assert_int_equal(key_store_get(w->keys, SPAN_OF("\xff"), &w->arena, &row), KEYS_UNKNOWN);
    assert_int_equal(find(w, "wk-other", &row), KEYS_UNKNOWN);
}

static void names_are_unique_and_options_fit(void **state) {
    world *w = *state;
    store_key row;
    char text[KEY_TEXT_LEN + 1];
    (void)make(w, "{\"name\":\"app\"}");
    const int64_t last = last_change(w);
    const key_wish same = wish(w, WISH_NEW, "{\"name\":\"app\"}");
    assert_int_equal(key_store_create(w->keys, &same, NOW, &w->arena, &row, text), KEYS_TAKEN);
    const key_wish odd = wish(w, WISH_NEW, "{\"name\":\"b\",\"colour\":\"red\"}");
    assert_int_equal(key_store_create(w->keys, &odd, NOW, &w->arena, &row, text), KEYS_BAD);
    assert_true(span_find_span(key_store_why(w->keys), 0, SPAN_OF("unknown option")) <
                key_store_why(w->keys).len);
    const key_wish worse = wish(w, WISH_CHANGE, "{\"limits\":{\"requests\":\"60\"}}");
    assert_int_equal(key_store_change(w->keys, SPAN_OF("app"), &worse, &w->arena, &row), KEYS_BAD);
    assert_int_equal(last_change(w), last);
    (void)make(w, "{\"name\":\"b\"}"); /* what was refused has left no transaction open */
}

static void a_change_replaces_what_it_names(void **state) {
    world *w = *state;
    store_key row;
    made m = make(w, "{\"name\":\"app\",\"owner\":\"me\",\"models\":[\"a\"]}");
    const key_wish change = wish(
        w, WISH_CHANGE, "{\"owner\":null,\"limits\":{\"requests\":\"5/m\"},\"expires\":\"1d\"}");
    assert_int_equal(key_store_change(w->keys, m.row.id, &change, &w->arena, &row), KEYS_DONE);
    assert_int_equal(find(w, m.text, &row), KEYS_DONE);
    assert_span(row.options, "{\"models\": [\"a\"], \"limits\": {\"requests\": \"5/m\"}}");
    assert_int_equal(row.expires_us, NOW + 24 * 3600 * SECOND_US);
}

static void a_rotated_text_counts_for_a_while(void **state) {
    world *w = *state;
    store_key row;
    made m = make(w, "{\"name\":\"app\"}"), second = m, third = m;
    assert_int_equal(key_store_rotate(w->keys, SPAN_OF("app"), 3600 * SECOND_US, NOW, &w->arena,
                                      &second.row, second.text),
                     KEYS_DONE);
    assert_int_equal(find(w, m.text, &row), KEYS_DONE);
    assert_int_equal(row.until_us, NOW + 3600 * SECOND_US);
    assert_int_equal(find(w, second.text, &row), KEYS_DONE);
    assert_int_equal(row.until_us, 0);
    assert_int_equal(row.rotated_us, NOW);
    /* Once more, at once: neither of the others counts any more. */
    assert_int_equal(key_store_rotate(w->keys, SPAN_OF("app"), 0, NOW + SECOND_US, &w->arena,
                                      &third.row, third.text),
                     KEYS_DONE);
    assert_int_equal(find(w, m.text, &row), KEYS_DONE);
    assert_int_equal(row.until_us, NOW + SECOND_US);
    assert_int_equal(find(w, second.text, &row), KEYS_DONE);
    assert_int_equal(row.until_us, NOW + SECOND_US);
    assert_int_equal(find(w, third.text, &row), KEYS_DONE);
    assert_int_equal(row.until_us, 0);
}

static void a_revoked_key_stays_so(void **state) {
    world *w = *state;
    store_key row;
    made m = make(w, "{\"name\":\"app\"}");
    const key_wish change = wish(w, WISH_CHANGE, "{\"owner\":\"me\"}");
    assert_int_equal(key_store_revoke(w->keys, SPAN_OF("app"), NOW, &w->arena, &row), KEYS_DONE);
    assert_int_equal(key_store_revoke(w->keys, m.row.id, NOW + 5, &w->arena, &row), KEYS_DONE);
    assert_int_equal(row.revoked_us, NOW);
    assert_int_equal(find(w, m.text, &row), KEYS_DONE);
    assert_int_equal(row.revoked_us, NOW);
    assert_int_equal(key_store_rotate(w->keys, m.row.id, 0, NOW, &w->arena, &row, m.text),
                     KEYS_REVOKED);
    assert_int_equal(key_store_change(w->keys, m.row.id, &change, &w->arena, &row), KEYS_REVOKED);
    assert_int_equal(key_store_revoke(w->keys, SPAN_OF("b"), NOW, &w->arena, &row), KEYS_UNKNOWN);
    assert_string_equal(store_key_status(&(store_key){.revoked_us = 1}, NOW), "revoked");
    assert_string_equal(store_key_status(&(store_key){.expires_us = NOW}, NOW), "expired");
    assert_string_equal(store_key_status(&(store_key){.expires_us = NOW + 1}, NOW), "active");
}

static void each_change_has_a_number(void **state) {
    world *w = *state;
    store_key row;
    char text[KEY_TEXT_LEN + 1];
    (void)make(w, "{\"name\":\"a\"}");
    (void)make(w, "{\"name\":\"b\"}");
    const int64_t then = last_change(w);
    assert_int_equal(changes_after(w, 0), 2);
    assert_int_equal(changes_after(w, then), 0);
    assert_int_equal(key_store_rotate(w->keys, SPAN_OF("a"), 0, NOW, &w->arena, &row, text),
                     KEYS_DONE);
    assert_int_equal(changes_after(w, then), 2); /* both of its texts */
    unsigned n = 0;
    assert_true(key_store_hashes(w->keys, row.id, count, &n));
    assert_int_equal(n, 2);
    assert_int_equal(key_store_revoke(w->keys, SPAN_OF("b"), NOW, &w->arena, &row), KEYS_DONE);
    assert_int_equal(last_change(w), then + 2);
    assert_int_equal(changes_after(w, then + 1), 1);
}

/* Two at one store have one secret, and each sees what the other does. */
static void two_share_a_store(void **state) {
    world *w = *state;
    key_store *other;
    store_key row;
    buf why = BUF_EMPTY;
    unsigned char hash[SHA256_LEN];
    assert_int_equal(key_store_open(&w->at.place, false, &other, &why), STORE_OPEN);
    made m = make(w, "{\"name\":\"app\"}");
    key_store_hash(other, span_cstr(m.text), hash);
    assert_int_equal(key_store_find(other, hash, &w->arena, &row), KEYS_DONE);
    assert_int_equal(key_store_revoke(other, SPAN_OF("app"), NOW, &w->arena, &row), KEYS_DONE);
    assert_int_equal(find(w, m.text, &row), KEYS_DONE);
    assert_int_equal(row.revoked_us, NOW);
    key_store_close(other);
}

typedef struct names {
    char text[64];
    size_t count, most;
} names;

static bool note_name(void *user, const store_key *row) {
    names *n = user;
    strncat(n->text, row->name.ptr, row->name.len);
    return ++n->count < n->most;
}

static void lists_go_by_name(void **state) {
    world *w = *state;
    static const char *const wanted[] = {"{\"name\":\"b\"}", "{\"name\":\"a\"}",
                                         "{\"name\":\"c\"}"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        (void)make(w, wanted[i]);
    names n = {.most = 9};
    assert_int_equal(key_store_list(w->keys, SPAN_EMPTY, 10, note_name, &n), KEYS_DONE);
    assert_string_equal(n.text, "abc");
    n = (names){.most = 9};
    assert_int_equal(key_store_list(w->keys, SPAN_OF("a"), 1, note_name, &n), KEYS_DONE);
    assert_string_equal(n.text, "b");
}

typedef struct trail {
    buf text;
    bool kept;
} trail;

static void put_act(void *user, const key_act *a) {
    buf *out = &((trail *)user)->text;
    buf_addf(out, "%.*s %.*s by %.*s", SPAN_ARG(a->what), SPAN_ARG(a->name), SPAN_ARG(a->who));
    buf_addf(out, a->from.len ? " from %.*s\n" : "%.*s\n", SPAN_ARG(a->from));
    assert_true(a->at_us > 0);
}

static bool are_kept(void *user) {
    const trail *t = user;
    assert_true(t->text.len);
    return t->kept;
}

static void assert_acts_of(key_store *keys, bool kept, const char *expected) {
    trail told = {BUF_EMPTY, kept};
    assert_true(key_store_take_acts(keys, put_act, are_kept, &told));
    assert_string_equal(buf_cstr(&told.text), expected);
    buf_done(&told.text);
}

static void assert_acts(key_store *keys, const char *expected) {
    assert_acts_of(keys, true, expected);
}

/* Each change that was carried out, in order, and told to one of those who ask. */
static void what_was_done_is_kept_until_it_is_taken(void **state) {
    world *w = *state;
    made app = make(w, "{\"name\":\"quiet\"}"); /* nobody wants to know */
    assert_acts(w->keys, "");
    key_store_act_as(w->keys, SPAN_OF("ann"), SPAN_OF("10.0.0.1:7"));
    app = make(w, "{\"name\":\"app\"}");
    key_wish wanted = wish(w, WISH_CHANGE, "{\"owner\":\"x\"}");
    const key_wish same = wish(w, WISH_NEW, "{\"name\":\"app\"}");
    assert_int_equal(key_store_change(w->keys, app.row.id, &wanted, &w->arena, &app.row),
                     KEYS_DONE);
    assert_int_equal(key_store_create(w->keys, &same, NOW, &w->arena, &app.row, app.text),
                     KEYS_TAKEN);
    assert_int_equal(key_store_revoke(w->keys, SPAN_OF("nobody"), NOW, &w->arena, &app.row),
                     KEYS_UNKNOWN);
    key_store_act_as(w->keys, SPAN_OF("operator"), SPAN_EMPTY);
    assert_int_equal(
        key_store_rotate(w->keys, SPAN_OF("app"), 0, NOW, &w->arena, &app.row, app.text),
        KEYS_DONE);
    assert_int_equal(key_store_revoke(w->keys, SPAN_OF("app"), NOW, &w->arena, &app.row),
                     KEYS_DONE);
    open_again(w);
    assert_acts(w->keys, "key_create app by ann from 10.0.0.1:7\n"
                         "key_change app by ann from 10.0.0.1:7\n"
                         "key_rotate app by operator\n"
                         "key_revoke app by operator\n");
    assert_acts(w->keys, "");
}

/* Who ends before he has noted them leaves them to the next one; the store may be changed then. */
static void what_is_not_kept_is_told_again(void **state) {
    world *w = *state;
    key_store_act_as(w->keys, SPAN_OF("ann"), SPAN_EMPTY);
    made app = make(w, "{\"name\":\"app\"}");
    assert_acts_of(w->keys, false, "key_create app by ann\n");
    assert_int_equal(key_store_revoke(w->keys, SPAN_OF("app"), NOW, &w->arena, &app.row),
                     KEYS_DONE);
    assert_acts(w->keys, "key_create app by ann\nkey_revoke app by ann\n");
    assert_acts(w->keys, "");
}

/* ---- being told ---- */

static bool becomes_readable(const key_store *ks) {
    struct pollfd fd = {key_store_descriptor(ks), POLLIN, 0};
    return poll(&fd, 1, 10000) == 1;
}

static key_store *open_another(world *w) {
    key_store *ks;
    buf why = BUF_EMPTY;
    if (key_store_open(&w->at.place, false, &ks, &why) != STORE_OPEN)
        fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
    return ks;
}

static void a_file_tells_nobody(void **state) {
    world *w = *state;
    key_store *other = open_another(w);
    assert_false(key_store_listen(other));
    (void)make(w, "{\"name\":\"app\"}");
    assert_false(key_store_heard(other));
    assert_int_equal(key_store_descriptor(other), -1);
    key_store_close(other);
}

/* Each change that is committed, and nothing that is not. */
static void who_listens_is_told(void **state) {
    world *w = *state;
    key_store *other = open_another(w);
    store_key row;
    char text[KEY_TEXT_LEN + 1];
    int64_t last;
    assert_true(key_store_listen(other));
    assert_false(key_store_heard(other));
    (void)make(w, "{\"name\":\"app\"}");
    assert_true(becomes_readable(other) && key_store_heard(other));
    assert_false(key_store_heard(other));
    const key_wish same = wish(w, WISH_NEW, "{\"name\":\"app\"}");
    assert_int_equal(key_store_create(w->keys, &same, NOW, &w->arena, &row, text), KEYS_TAKEN);
    assert_true(key_store_last_change(other, &last));
    assert_false(key_store_heard(other));
    assert_int_equal(key_store_revoke(w->keys, SPAN_OF("app"), NOW, &w->arena, &row), KEYS_DONE);
    assert_true(becomes_readable(other));
    /* What comes with the answer to something else is not lost. */
    assert_true(key_store_last_change(other, &last));
    assert_true(key_store_heard(other));
    key_store_close(other);
}

/* The end of a connection is heard as well, and what was changed meanwhile has its number. */
static void the_end_of_a_connection_is_heard(void **state) {
    world *w = *state;
    key_store *other = open_another(w);
    store_key row;
    int64_t before, after;
    buf why = BUF_EMPTY;
    bool never;
    (void)make(w, "{\"name\":\"app\"}");
    assert_true(key_store_listen(other) && key_store_last_change(other, &before));
    sql *db = w->at.place.driver->open(w->at.place.where.ptr, SQL_WRITES, false, &why, &never);
    assert_true(db && db->driver->run(db,
                                      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                      "WHERE query = 'LISTEN weir_keys' OR query LIKE "
                                      "'%name = ''keys''%' AND pid <> pg_backend_pid()",
                                      NULL, 0, NULL, NULL));
    db->driver->close(db);
    open_again(w);
    assert_int_equal(key_store_revoke(w->keys, SPAN_OF("app"), NOW, &w->arena, &row), KEYS_DONE);
    while (!key_store_is_lost(other)) {
        assert_true(becomes_readable(other));
        assert_false(key_store_heard(other));
    }
    assert_int_equal(key_store_descriptor(other), -1);
    assert_false(key_store_heard(other) || key_store_last_change(other, &after));
    key_store_close(other);
    other = open_another(w);
    assert_true(key_store_last_change(other, &after));
    assert_int_equal(after, before + 1);
    key_store_close(other);
}

/* Neither the text nor what would stand for it is in the file. */
static void no_text_is_in_the_file(void **state) {
    world *w = *state;
    made m = make(w, "{\"name\":\"app\"}");
    key_store_close(w->keys);
    w->keys = NULL;
    char command[256];
    snprintf(command, sizeof command, "cat %s/ledger.db* | grep -a -c -e %s -e %s",
             w->at.folder.path, m.text, m.text + KEY_HINT_LEN);
    assert_int_not_equal(system(command), 0);
    open_again(w);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define P(name) cmocka_unit_test_setup_teardown(name, set_up_postgres, tear_down)
#define ALL(X)                                                                                     \
    X(a_key_is_found_by_its_text_name_and_id), X(names_are_unique_and_options_fit),                \
        X(a_change_replaces_what_it_names), X(a_rotated_text_counts_for_a_while),                  \
        X(a_revoked_key_stays_so), X(each_change_has_a_number), X(two_share_a_store),              \
        X(lists_go_by_name), X(what_was_done_is_kept_until_it_is_taken),                           \
        X(what_is_not_kept_is_told_again)
    const struct CMUnitTest tests[] = {ALL(T), T(no_text_is_in_the_file), T(a_file_tells_nobody)};
    const struct CMUnitTest at_a_server[] = {ALL(P), P(who_listens_is_told),
                                             P(the_end_of_a_connection_is_heard)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed
                  : cmocka_run_group_tests(at_a_server, place_start_server, place_end_server);
}
