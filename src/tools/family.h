/* tools/family.h: all that descends from this process, as /proc tells it. For a process with one
 * thread, to whom orphans fall. Allocates nothing.
 *
 * Source   proc(5): task/TID/children, statm.
 */
#ifndef WEIR_TOOLS_FAMILY_H
#define WEIR_TOOLS_FAMILY_H

#include <stddef.h>
#include <sys/types.h>

/* Counts living descendants, up to some thousand, and the pages that each has in memory by itself.
 */
size_t family_count(size_t *ret_pages);

/* Stops all of them, until no new one is seen, kills all of them, and collects them. *ret_status:
 * how `child` ended, if it is collected here. Returns when none is left. */
void family_end(pid_t child, int *ret_status);

/* Collects those that have ended. true: child is among them. */
int family_collect(pid_t child, int *ret_status);

#endif
