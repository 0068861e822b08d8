/* Where the configuration is looked for when nobody says. Source: XDG Base Directory. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool try_path(span folder, const char *rest, buf *path) {
    buf_clear(path);
    buf_add(path, folder);
    buf_add_cstr(path, rest);
    return access(buf_cstr(path), F_OK) == 0;
}

/* The specification says: a path that is not absolute is ignored. */
static bool try_xdg(span folder, buf *path) {
    return span_starts(folder, SPAN_OF("/")) && try_path(folder, "/weir/weir.yaml", path);
}

static bool try_home(buf *path) {
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && *xdg) return try_xdg(span_cstr(xdg), path);
    return home && *home == '/' && try_path(span_cstr(home), "/.config/weir/weir.yaml", path);
}

static bool try_xdg_dirs(buf *path) {
    const char *dirs = getenv("XDG_CONFIG_DIRS");
    span rest = span_cstr(dirs && *dirs ? dirs : "/etc/xdg"), folder;
    while (span_cut(&rest, ':', &folder))
        if (try_xdg(folder, path)) return true;
    return false;
}

bool config_find(buf *ret_path) {
    buf path = BUF_EMPTY;
    bool found = try_path(SPAN_EMPTY, "weir.yaml", &path) || try_home(&path) ||
                 try_xdg_dirs(&path) || try_path(SPAN_EMPTY, "/etc/weir/weir.yaml", &path);
    if (found) {
        buf_clear(ret_path);
        buf_add(ret_path, buf_span(&path));
        (void)buf_cstr(ret_path);
    }
    buf_done(&path);
    return found;
}
