#include "cli/bookkeeper.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "lib/program.h"

#include <stdlib.h>
#include <unistd.h>

enum { LOG_BYTES = 64 * 1024, LOG_LAST_MS = 1000, CATCH_UP_MS = 2000 };

struct bookkeeper {
    logger *log;
    ledger *ledger;
    bool records;
};

static bool open_ledger(bookkeeper *r, const config_ledger *c, buf *why) {
    const config_logs logs = {.level = LEVEL_WARN, .format = LOG_TEXT, .buffer_bytes = LOG_BYTES};
    if (!c->on) {
        buf_add_cstr(why, "the configuration keeps no records (ledger: off)");
        return false;
    }
    r->log = logger_new(&logs, STDERR_FILENO);
    r->ledger = ledger_open_beside(c, r->log, why);
    return r->ledger && ledger_start(r->ledger, why);
}

bookkeeper *bookkeeper_start(weir_client *c) {
    bookkeeper *r = mem_zalloc(sizeof *r);
    buf why = BUF_EMPTY;
    if (open_ledger(r, &program_config(c)->ledger, &why)) {
        program_record(c, ledger_writer_new(r->ledger, program_loop(c), logger_add_shard(r->log)));
        r->records = true;
    } else {
        cli_complain("--ledger: %.*s", SPAN_ARG(buf_span(&why)));
        bookkeeper_end(r);
        r = NULL;
    }
    buf_done(&why);
    return r;
}

/* What the store does not take is not lost. */
static void say_what_waits(ledger *l) {
    buf why = BUF_EMPTY;
    store *s = ledger_read(l, CATCH_UP_MS, NULL, &why);
    if (!s || ledger_get_figures(l).store_away)
        cli_complain("the store does not take the records of this run: they wait in %.*s, and the "
                     "next command with --ledger brings them there",
                     SPAN_ARG(ledger_folder(l)));
    store_close(s);
    buf_done(&why);
}

void bookkeeper_end(bookkeeper *r) {
    if (!r) return;
    if (r->records) say_what_waits(r->ledger);
    ledger_close(r->ledger);
    if (r->log) logger_free(r->log, LOG_LAST_MS);
    free(r);
}
