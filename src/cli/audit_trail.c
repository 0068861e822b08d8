#include "cli/audit_trail.h"

#include "base/clock.h"
#include "cli/configured.h"
#include "ledger/home.h"
#include "ledger/query.h"

int audit_find(const char *path, const char *folder, audit_place *ret) {
    ledger_home home = {.lock_fd = -1};
    buf why = BUF_EMPTY;
    int status = CLI_OK;
    *ret = (audit_place){BUF_EMPTY, NULL};
    /* A folder that is named needs no configuration, unless one is named too: for its key. */
    if (!folder || path) {
        ret->config = configured_find(path);
        if (!ret->config) return CLI_FAILED;
    }
    if (folder) {
        buf_add_cstr(&ret->folder, folder);
    } else if (ledger_home_find(&ret->config->ledger, &home, &why)) {
        buf_add(&ret->folder, buf_span(&home.folder));
    } else {
        cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
        status = CLI_FAILED;
    }
    (void)buf_cstr(&ret->folder);
    ledger_home_done(&home);
    buf_done(&why);
    return status;
}

void audit_place_done(audit_place *p) {
    buf_done(&p->folder);
    config_unref(p->config);
}

bool audit_read_time(const char *option, const char *text, int64_t *ret_us) {
    if (query_read_time(span_cstr(text), clock_wall_us(), ret_us)) return true;
    cli_complain("--%s is '%s'; expected " QUERY_TIME_FORMS, option, text);
    return false;
}

bool audit_parse(span line, chain_line *ret) {
    const char *why;
    return chain_read(line, ret, &why) || ret->seq;
}

bool audit_complain(const buf *why) {
    cli_complain("%.*s", SPAN_ARG(buf_span(why)));
    return false;
}

bool audit_files(const char *folder, trail_files *ret) {
    buf why = BUF_EMPTY;
    bool good = trail_files_find(folder, ret, &why) || audit_complain(&why);
    if (good && !ret->count) {
        cli_complain("%s holds no audit trail: no file audit-*.jsonl is there", folder);
        good = false;
    }
    buf_done(&why);
    return good;
}
