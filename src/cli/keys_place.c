#include "cli/keys_place.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/configured.h"
#include "ledger/home.h"
#include "ledger/place.h"

static bool open_store(keys_place *p, ledger_home *home, buf *why) {
    const config_ledger *l = &p->config->ledger;
    if (!l->on) {
        buf_add_cstr(why, "the configuration has no store to keep keys in (ledger: off)");
        return false;
    }
    if (!ledger_home_find(l, home, why)) return false;
    const store_place place = store_place_of(&home->store);
    /* A file is made where it is not there; a server's database is nowhere near. */
    if (place.driver == &sql_sqlite && !ledger_home_make(home, why)) return false;
    if (key_store_open(&place, l->sync == LEDGER_SYNC_MACHINE, &p->store, why) == STORE_OPEN) {
        if (p->config->audit.on) key_store_act_as(p->store, SPAN_OF("operator"), SPAN_EMPTY);
        return true;
    }
    buf says = BUF_EMPTY;
    buf_addf(&says, "the keys in %.*s cannot be reached: %.*s", SPAN_ARG(place.said),
             SPAN_ARG(buf_span(why)));
    buf_done(why);
    *why = says;
    return false;
}

int keys_open(keys_place *p, const char *path) {
    ledger_home home = {.lock_fd = -1};
    buf why = BUF_EMPTY;
    *p = (keys_place){0};
    arena_init(&p->arena, 0);
    p->config = configured_find(path);
    int status = p->config ? CLI_OK : CLI_FAILED;
    if (p->config && !open_store(p, &home, &why)) {
        cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
        status = CLI_FAILED;
    }
    ledger_home_done(&home);
    buf_done(&why);
    return status;
}

void keys_close(keys_place *p) {
    key_store_close(p->store);
    config_unref(p->config);
    arena_wipe(&p->arena);
    arena_done(&p->arena);
}

int keys_outcome(const keys_place *p, key_outcome o, const char *who) {
    const span why = key_store_why(p->store);
    switch (o) {
    case KEYS_DONE: return CLI_OK;
    case KEYS_FAILED:
        cli_complain("the keys cannot be read or changed: %.*s", SPAN_ARG(why));
        break;
    case KEYS_BAD: cli_complain("%.*s", SPAN_ARG(why)); return CLI_USAGE;
    case KEYS_TAKEN:
        cli_complain("there is a key named %s already, if not in use any more; each has its own "
                     "name",
                     who);
        break;
    case KEYS_UNKNOWN: cli_complain("there is no key %s; see weir keys list", who); break;
    case KEYS_REVOKED:
        cli_complain("the key %s has been revoked, which is for ever; create another one", who);
        break;
    }
    return CLI_FAILED;
}

int keys_tell_new(const store_key *row, char text[KEY_TEXT_LEN + 1], bool json) {
    buf out = BUF_EMPTY;
    if (json)
        store_key_write(row, text, clock_wall_us(), &out);
    else
        buf_add_cstr(&out, text);
    buf_add_char(&out, '\n');
    mem_wipe(text, KEY_TEXT_LEN);
    const bool told = cli_print_as(&out, json);
    mem_wipe(out.ptr, out.len);
    buf_done(&out);
    if (!told)
        cli_complain("the key %.*s (%.*s) has a new text, which nobody has seen and which is lost; "
                     "weir keys rotate gives it another",
                     SPAN_ARG(row->name), SPAN_ARG(row->id));
    if (told && !json)
        cli_complain("this is the key of %.*s (%.*s); it is not kept, and cannot be shown again",
                     SPAN_ARG(row->name), SPAN_ARG(row->id));
    return told ? CLI_OK : CLI_FAILED;
}
