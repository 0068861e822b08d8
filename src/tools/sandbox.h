/* tools/sandbox.h: what a process and all it starts can no longer do, whoever it runs as. Needs no
 * rights, and cannot be undone.
 *
 * no_network   Opens no socket of any kind (seccomp), but pairs whose ends have each other alone.
 * read_only    Writes, makes, renames and removes no file, nor its rights, owner, times or
 * attributes, apart from writing to /dev/null (Landlock, and seccomp for what that has no word of).
 *
 * With either: other processes' memory and descriptors are out of reach (Landlock of Linux 5.19;
 * with no_network alone before it seccomp refuses the calls for that), no program that it starts
 * gains rights (no setuid), io-uring is not there, and system calls of another machine's numbering
 * fail.
 *
 * Sources  landlock(7), seccomp(2); Documentation/userspace-api.
 */
#ifndef WEIR_TOOLS_SANDBOX_H
#define WEIR_TOOLS_SANDBOX_H

#include "base/buf.h"
#include "config/tool.h"

/* Whether this system can do that. false: *ret_why has appended what it lacks. */
MUST_USE bool sandbox_is_possible(const config_tool_sandbox *s, buf *ret_why);

/* Enters it, for good: for a child between fork and exec, so nothing here allocates. 0 or an errno.
 */
MUST_USE int sandbox_enter(const config_tool_sandbox *s);

#endif
