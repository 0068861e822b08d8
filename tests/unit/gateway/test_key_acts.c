/* Acts of keys leave their store for the journal, over a real store, a real ledger and a loop. */
#include "unit.h"

#include "gateway/key_acts.h"
#include "ledger/places.h"

typedef struct world {
    own_place at;
    key_store *keys;
    logger *log;
    ledger *ledger;
    loop loop;
    ledger_writer *writer;
    key_acts acts;
    bool taken;
} world;

static folder journal_of(const world *w) {
    folder f;
    snprintf(f.path, sizeof f.path, "%.50s/journal", w->at.folder.path);
    return f;
}

static int set_up(void **state) {
    static world w;
    static config_ledger conf = {.on = true, .journal_bytes = 1 << 20};
    static const config_logs logs = {.level = LEVEL_OFF, .buffer_bytes = 1 << 16};
    buf why = BUF_EMPTY;
    w = (world){0};
    place_in_folder(&w.at);
    conf.store = buf_span(&w.at.name);
    w.log = logger_new(&logs, 2);
    w.ledger = ledger_open(&conf, w.log, &why);
    if (!w.ledger) fail_msg("%s", buf_cstr(&why));
    const store_place place = ledger_place(w.ledger);
    if (key_store_open(&place, false, &w.keys, &why) != STORE_OPEN) fail_msg("%s", buf_cstr(&why));
    assert_int_equal(loop_init(&w.loop, 0), 0);
    w.writer = ledger_writer_new(w.ledger, &w.loop, logger_add_shard(w.log));
    key_acts_init(&w.acts);
    key_acts_tell(&w.acts, &w.loop, w.writer);
    buf_done(&why);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world *w = *state;
    key_acts_done(&w->acts);
    key_store_close(w->keys);
    ledger_writer_free(w->writer);
    loop_done(&w->loop);
    ledger_close(w->ledger);
    logger_free(w->log, 0);
    const folder files = journal_of(w);
    folder_remove(&files);
    place_done(&w->at);
    return 0;
}

/* ---- what tests do ---- */

static void *take(void *arg) {
    world *w = arg;
    w->taken = key_acts_take(&w->acts, w->keys);
    loop_stop(&w->loop);
    return NULL;
}

static pthread_t begin_to_take(world *w) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, take, w), 0);
    return thread;
}

static void make_key(world *w) {
    char text[KEY_TEXT_LEN + 1];
    key_wish wanted;
    store_key row;
    span param;
    arena a;
    buf why = BUF_EMPTY;
    arena_init(&a, 0);
    key_store_act_as(w->keys, SPAN_OF("ann"), SPAN_EMPTY);
    if (!key_wish_read(SPAN_OF("{\"name\":\"app\"}"), WISH_NEW, 1, &a, &wanted, &param, &why))
        fail_msg("%s", buf_cstr(&why));
    assert_int_equal(key_store_create(w->keys, &wanted, 1, &a, &row, text), KEYS_DONE);
    arena_done(&a);
    buf_done(&why);
}

/* As who starts after a process that was killed here would. */
static bool journal_tells(const world *w, const char *word) {
    const folder in = journal_of(w);
    DIR *dir = opendir(in.path);
    bool told = false;
    assert_non_null(dir);
    for (struct dirent *d; (d = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", in.path, d->d_name);
        if (d->d_name[0] == '.') continue;
        buf text = unit_read(path);
        told = told || memmem(text.ptr, text.len, word, strlen(word));
        buf_done(&text);
    }
    closedir(dir);
    return told;
}

static void count(void *user, const key_act *a) {
    (void)a;
    ++*(int *)user;
}

static bool not_kept(void *user) {
    (void)user;
    return false;
}

static int left_in_store(world *w) {
    int acts = 0;
    assert_true(key_store_take_acts(w->keys, count, not_kept, &acts));
    return acts;
}

/* ---- the tests ---- */

static void what_left_the_store_is_in_the_journal(void **state) {
    world *w = *state;
    make_key(w);
    assert_false(journal_tells(w, "key_create"));
    const pthread_t thread = begin_to_take(w);
    loop_run(&w->loop);
    pthread_join(thread, NULL);
    assert_true(w->taken);
    assert_true(journal_tells(w, "key_create"));
    assert_int_equal(left_in_store(w), 0);
}

static void they_stay_where_nobody_notes_them(void **state) {
    world *w = *state;
    make_key(w);
    const pthread_t thread = begin_to_take(w);
    key_acts_end(&w->acts);
    pthread_join(thread, NULL);
    assert_true(w->taken);
    assert_false(journal_tells(w, "key_create"));
    assert_int_equal(left_in_store(w), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_left_the_store_is_in_the_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(they_stay_where_nobody_notes_them, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
