#include "cli/chat_libedit.h"

#include "base/attr.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

/* Debian and its like number it 2, upstream and others 0: the same functions. */
static void *open_library(void) {
    void *library = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
    return library ? library : dlopen("libedit.so.0", RTLD_NOW | RTLD_LOCAL);
}

static bool find_all(void *library, libedit *ret) {
    const struct {
        const char *symbol;
        void *at;
    } rows[] = {
#define X(name, symbol) {#symbol, &ret->name},
        LIBEDIT_FUNCTIONS(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        void *found = dlsym(library, rows[i].symbol);
        if (!found) return false;
        *(void **)rows[i].at = found; /* dlsym(3): how a function's address is taken */
    }
    return true;
}

const libedit *libedit_load(void) {
    static libedit functions;
    void *library = open_library();
    return library && find_all(library, &functions) ? &functions : NULL;
}
