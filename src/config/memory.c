#include "config/memory.h"

#include "config/reader.h"

#include <stdio.h>
#include <sys/resource.h>

/* ---- files of one number ---- */

/* The first bytes of a file, which is as much as any of these has. false: there is none. */
COLD static bool read_file(buf *path, buf *ret) {
    enum { MOST = 16 * 1024 };
    FILE *f = fopen(buf_cstr(path), "re");
    if (!f) return false;
    buf_clear(ret);
    buf_grow(ret, fread(buf_reserve(ret, MOST), 1, MOST, f));
    (void)fclose(f);
    return true;
}

/* "max", which a group without a bound of its own has, is no number. */
static uint64_t read_bound(const char *root, span folder, const char *name) {
    uint64_t bytes = MEMORY_UNBOUNDED;
    buf path = BUF_EMPTY, text = BUF_EMPTY;
    buf_addf(&path, "%s%.*s/%s", root, SPAN_ARG(folder), name);
    if (read_file(&path, &text)) {
        span line = span_slice(buf_span(&text), 0, span_find(buf_span(&text), 0, '\n'));
        if (!span_u64(line, &bytes)) bytes = MEMORY_UNBOUNDED;
    }
    buf_done(&path);
    buf_done(&text);
    return bytes;
}

static uint64_t less(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* ---- control groups ---- */

/* A group's bound holds for those below it. In a container what /proc calls the group may lie
 * outside of what is mounted: then the mount's own root is the group. */
static uint64_t tightest(const char *root, span mount, span group, const char *name) {
    uint64_t bound = MEMORY_UNBOUNDED;
    buf folder = BUF_EMPTY;
    for (;;) {
        buf_clear(&folder);
        buf_add(&folder, mount);
        if (group.len > 1) buf_add(&folder, group);
        bound = less(bound, read_bound(root, buf_span(&folder), name));
        if (group.len <= 1) break;
        do
            group.len--;
        while (group.len && group.ptr[group.len] != '/');
    }
    buf_done(&folder);
    return bound;
}

static bool has_controller(span list, span wanted) {
    span name;
    while (span_cut(&list, ',', &name))
        if (span_eq(name, wanted)) return true;
    return false;
}

/* A line of /proc/self/cgroup: "0::/group" of version 2, "4:memory:/group" of version 1. */
static uint64_t bound_of_line(const char *root, span line) {
    span number, controllers;
    if (!span_cut(&line, ':', &number) || !span_cut(&line, ':', &controllers))
        return MEMORY_UNBOUNDED;
    if (!controllers.len)
        return less(tightest(root, SPAN_OF("/sys/fs/cgroup"), line, "memory.max"),
                    tightest(root, SPAN_OF("/sys/fs/cgroup/unified"), line, "memory.max"));
    if (has_controller(controllers, SPAN_OF("memory")))
        return tightest(root, SPAN_OF("/sys/fs/cgroup/memory"), line, "memory.limit_in_bytes");
    return MEMORY_UNBOUNDED;
}

static uint64_t look_at_group(const char *root) {
    uint64_t bound = MEMORY_UNBOUNDED;
    buf path = BUF_EMPTY, text = BUF_EMPTY;
    buf_addf(&path, "%s/proc/self/cgroup", root);
    if (read_file(&path, &text)) {
        span rest = buf_span(&text), line;
        while (span_cut(&rest, '\n', &line))
            bound = less(bound, bound_of_line(root, line));
    }
    buf_done(&path);
    buf_done(&text);
    return bound;
}

/* ---- machine and process ---- */

/* "MemTotal:       16384256 kB" */
static uint64_t look_at_machine(const char *root) {
    uint64_t kilobytes = 0;
    buf path = BUF_EMPTY, text = BUF_EMPTY;
    buf_addf(&path, "%s/proc/meminfo", root);
    if (read_file(&path, &text)) {
        span rest = buf_span(&text), line, name;
        while (span_cut(&rest, '\n', &line)) {
            if (!span_cut(&line, ':', &name) || !span_eq(name, SPAN_OF("MemTotal"))) continue;
            line = span_trim(line);
            if (!span_u64(span_slice(line, 0, span_find(line, 0, ' ')), &kilobytes)) kilobytes = 0;
        }
    }
    buf_done(&path);
    buf_done(&text);
    return kilobytes && kilobytes < MEMORY_UNBOUNDED / 1024 ? kilobytes * 1024 : MEMORY_UNBOUNDED;
}

static uint64_t look_at_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY) return MEMORY_UNBOUNDED;
    return limit.rlim_cur;
}

memory_facts memory_look(const char *root) {
    return (memory_facts){.machine = look_at_machine(root),
                          .group = look_at_group(root),
                          .address_space = look_at_limit()};
}

uint64_t memory_default(const memory_facts *facts) {
    const uint64_t megabyte = 1 << 20, least = 16 * megabyte, most = (uint64_t)1 << 40;
    uint64_t part = less(less(facts->machine, facts->group) / 2, facts->address_space / 4);
    part -= part % megabyte;
    return part < least ? least : less(part, most);
}

void memory_settle(config *c) {
    c->limits.memory_told = c->limits.memory_bytes != 0;
    if (c->limits.memory_told) return;
    const memory_facts facts = memory_look("");
    c->limits.memory_bytes = (size_t)memory_default(&facts);
}
