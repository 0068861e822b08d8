/* Arguments before a call, whoever makes it. */
#include "tools/tool.h"

#include "json/json.h"

bool tool_check(const tool *t, span arguments, buf *ret_why) {
    json_value root;
    json_fault fault;
    if (!arguments.len) arguments = SPAN_OF("{}");
    if (json_scan(arguments, NULL, &root, &fault) && root.type != JSON_OBJECT) {
        buf_add_cstr(ret_why, "the arguments must be a JSON object");
        return false;
    }
    return schema_check(t->checker, arguments, ret_why);
}
