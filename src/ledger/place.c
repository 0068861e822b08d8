#include "ledger/place.h"

store_place store_place_of(buf *name) {
    static const span prefix = SPAN("sqlite:");
    const char *text = buf_cstr(name);
    return (store_place){&sql_sqlite, span_from(text + prefix.len, name->len - prefix.len)};
}
