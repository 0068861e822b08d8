/* config/memory.h: how much memory there is for what weir gathers, where the file does not say.
 *
 * Units    bytes; MEMORY_UNBOUNDED: nobody says.
 * Source   Linux: cgroups(7), Documentation/admin-guide/cgroup-v2.rst (memory.max) and
 *          cgroup-v1/memory.rst (memory.limit_in_bytes), getrlimit(2), proc(5) (meminfo).
 */
#ifndef WEIR_CONFIG_MEMORY_H
#define WEIR_CONFIG_MEMORY_H

#include "base/attr.h"

#include <stdint.h>

#define MEMORY_UNBOUNDED UINT64_MAX

typedef struct memory_facts {
    uint64_t machine;
    uint64_t group;         /* the tightest of the control groups that the process is in */
    uint64_t address_space; /* RLIMIT_AS */
} memory_facts;

/* root: "" of this machine; tests have one of their own. Reads a few small files. */
memory_facts memory_look(const char *root);
/* Half of what there is; a quarter of an address space, of which threads and their heaps take a
 * good part without using it. Whole megabytes, at least 16 of them. Pure. */
uint64_t memory_default(const memory_facts *facts);

#endif
