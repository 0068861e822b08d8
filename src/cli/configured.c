#include "cli/configured.h"

#include "cli/cli.h"
#include "cli/connect.h"

config *configured_load(const char *path) {
    config_problems problems;
    config *c = path ? config_load(path, &problems) : config_default(NULL, &problems);
    if (!c) {
        buf text = BUF_EMPTY;
        config_problems_print(&problems, &text);
        cli_tell(&text);
    }
    config_problems_done(&problems);
    return c;
}

config *configured_find(const char *path) {
    buf found = BUF_EMPTY;
    config *c = NULL;
    if (path || !config_find(&found))
        c = configured_load(path);
    else if (connect_may_read(buf_cstr(&found)))
        c = configured_load(buf_cstr(&found));
    buf_done(&found);
    return c;
}
