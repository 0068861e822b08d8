#include "ledger/libpq.h"

#include <dlfcn.h>
#include <pthread.h>

static libpq functions;
static enum { NOT_THERE, TOO_OLD, LOADED } state;

static bool find_all(void *library) {
    const struct {
        const char *symbol;
        void *at;
    } rows[] = {
#define X(name, symbol) {#symbol, &functions.name},
        LIBPQ_FUNCTIONS(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        void *found = dlsym(library, rows[i].symbol);
        if (!found) return false;
        *(void **)rows[i].at = found; /* dlsym(3): how a function's address is taken */
    }
    return true;
}

static void load(void) {
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (library) state = find_all(library) ? LOADED : TOO_OLD;
}

const libpq *libpq_load(buf *ret_why) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (state == LOADED) return &functions;
    buf_add_cstr(ret_why, state == TOO_OLD
                              ? "PostgreSQL's client library here is too old: it needs libpq of "
                                "PostgreSQL 14 or later"
                              : "PostgreSQL's client library libpq.so.5 is not installed: install "
                                "the package libpq5 (Debian, Ubuntu), libpq (Fedora) or "
                                "postgresql-libs (Arch)");
    return NULL;
}
