#include "ledger/place.h"

#include "config/store.h"

store_place store_place_of(buf *name) {
    static const span prefix = SPAN("sqlite:");
    const char *text = buf_cstr(name);
    if (store_is_postgres(buf_span(name)))
        return (store_place){.driver = &sql_postgres,
                             .where = span_from(text, name->len),
                             .said = SPAN_OF("the PostgreSQL database of ledger.store")};
    return (store_place){.driver = &sql_sqlite,
                         .where = span_from(text + prefix.len, name->len - prefix.len),
                         .said = buf_span(name)};
}
