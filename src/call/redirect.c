#include "call/redirect.h"

span redirect_text(span provider, int status, bool elsewhere, arena *a) {
    if (elsewhere)
        return arena_printf(a,
                            "The url of provider %.*s redirects elsewhere (status %d). weir "
                            "follows no redirects; the configuration must name the place itself.",
                            SPAN_ARG(provider), status);
    return arena_printf(a,
                        "The url of provider %.*s is answered with status %d, which is none of "
                        "a model API's.",
                        SPAN_ARG(provider), status);
}
