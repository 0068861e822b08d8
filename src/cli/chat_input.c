#include "cli/chat_input.h"

static const span fence = SPAN("\"\"\"");

static void add(chat_input *in, span text) {
    in->too_long |= in->text.len + text.len > CHAT_INPUT_MAX;
    if (!in->too_long) buf_add(&in->text, text);
}

/* Two of them at the end are two of them, and no third meaning. */
static bool ends_in_backslash(span line) {
    size_t count = 0;
    while (count < line.len && line.ptr[line.len - 1 - count] == '\\')
        count++;
    return count % 2;
}

/* A line from the history may hold a whole block, fences and line ends included. */
static bool add_to_block(chat_input *in, span line) {
    bool last = span_ends(line, fence);
    if (last) line.len -= fence.len;
    if (last && span_ends(line, SPAN_OF("\n"))) line.len--;
    if (!last || line.len) { /* the closing fence on a line of its own adds no empty line */
        if (in->text.len) add(in, SPAN_OF("\n"));
        add(in, line);
    }
    in->goes_on = !last;
    return last;
}

bool chat_input_add(chat_input *in, span line) {
    if (in->block) return add_to_block(in, line);
    if (!in->goes_on && span_starts(line, fence)) {
        in->block = in->goes_on = true;
        line = span_slice(line, fence.len, line.len);
        if (span_starts(line, SPAN_OF("\n"))) line = span_slice(line, 1, line.len);
        return line.len ? add_to_block(in, line) : false;
    }
    in->goes_on = ends_in_backslash(line);
    if (!in->goes_on) return add(in, line), true;
    add(in, span_slice(line, 0, line.len - 1));
    add(in, SPAN_OF("\n"));
    return false;
}

void chat_input_clear(chat_input *in) {
    buf text = in->text;
    buf_clear(&text);
    *in = (chat_input){.text = text};
}

void chat_input_done(chat_input *in) {
    buf_done(&in->text);
    *in = (chat_input){0};
}
