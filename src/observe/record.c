#include "observe/record.h"

span record_error_name(error_id id, char ret_name[ERROR_NAME_MAX]) {
    if (id == ERR_NONE) return SPAN_EMPTY;
    const char *name = error_get(id)->name;
    size_t len = 0;
    for (; name[len] && len < ERROR_NAME_MAX; len++)
        ret_name[len] = name[len] >= 'A' && name[len] <= 'Z' ? (char)(name[len] | 0x20) : name[len];
    return span_from(ret_name, len);
}
