/* JSON on its way to whoever asked for it: a file or a program gets the bytes, a terminal what does
 * not steer it. Controls of C1 and marks of writing direction may stand in JSON as they are, and
 * what it tells (descriptions of servers' tools, models of providers, clients' words) is anybody's.
 */
#include "base/mem.h"
#include "cli/chat_filter.h"
#include "cli/cli.h"

#include <unistd.h>

bool cli_print_as(const buf *text, bool json) {
    if (!json || !isatty(STDOUT_FILENO)) return cli_print(text);
    buf harmless = BUF_EMPTY;
    chat_filter_json(buf_span(text), &harmless);
    const bool good = cli_print(&harmless);
    mem_wipe(harmless.ptr, harmless.len); /* of a new key's text, too */
    buf_done(&harmless);
    return good;
}
