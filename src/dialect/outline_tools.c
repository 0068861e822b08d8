/* The tools that a model may call: of a chat completion (what they are in a member named after
 * their type), of a response and in the older `functions` (flat). */
#include "dialect/outline_internal.h"

static void read_tool(outline_builder *b, json_value tool) {
    json_value type = json_get(tool, SPAN_OF("type"));
    bool custom = json_is(type, SPAN_OF("custom"));
    bool function = json_is(type, SPAN_OF("function")) || outline_is_absent(type);
    json_value said = json_get(tool, custom ? SPAN_OF("custom") : SPAN_OF("function"));
    if (said.type != JSON_OBJECT) said = tool;
    json_value name = outline_string_at(said, "name");
    outline_tool t = {.kind = TOOL_IS_OPAQUE, .source = tool};
    if ((custom || function) && name.type == JSON_STRING) {
        t.kind = custom ? TOOL_IS_CUSTOM : TOOL_IS_FUNCTION;
        t.name = name;
        t.description = outline_string_at(said, "description");
        t.parameters = json_get(said, custom ? SPAN_OF("format") : SPAN_OF("parameters"));
        t.strict = json_get(said, SPAN_OF("strict"));
    }
    outline_add_tool(b, &t);
}

void outline_read_tools(outline_builder *b, json_value tools) {
    json_value tool;
    json_iter it = json_iter_of(tools);
    if (tools.type != JSON_ARRAY)
        outline_add_tool(b, &(outline_tool){.kind = TOOL_IS_OPAQUE, .source = tools});
    else
        while (!outline_is_full(b) && json_next_element(&it, &tool))
            read_tool(b, tool);
}
