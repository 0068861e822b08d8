/* Tools that weir brings: get_current_time. */
#include "tools/kinds.h"
#include "tools/runner_internal.h"
#include "tools/set.h"
#include "tools/zone.h"

#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char zones[] = "/usr/share/zoneinfo";

/* ---- a zone's file, read beside the loop ---- */

typedef struct zone_reading {
    aside aside;
    tool_call *call; /* NULL: nobody waits */
    span name;       /* in path */
    buf path;
    buf file;
    int error; /* errno; ENODATA: it is no file of a zone */
} zone_reading;

typedef struct builtin_call {
    zone_reading *reading; /* NULL: none is under way */
} builtin_call;

static int read_file(const char *path, buf *ret) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return errno;
    ssize_t n = -1;
    int error = fstat(fd, &st) < 0 ? errno : 0;
    if (!error && (!S_ISREG(st.st_mode) || st.st_size > ZONE_FILE_MAX)) error = ENODATA;
    while (!error && (n = read(fd, buf_reserve(ret, 4096), 4096)) != 0) {
        if (n > 0) buf_grow(ret, (size_t)n);
        if (n < 0 && errno != EINTR) error = errno;
        if (ret->len > ZONE_FILE_MAX) error = ENODATA;
    }
    close(fd);
    return error;
}

static void on_read(aside *a) {
    zone_reading *r = CONTAINER_OF(a, zone_reading, aside);
    r->error = read_file(buf_cstr(&r->path), &r->file);
}

static void reading_free(aside *a) {
    zone_reading *r = CONTAINER_OF(a, zone_reading, aside);
    buf_done(&r->path);
    buf_done(&r->file);
    free(r);
}

static void answer(tool_call *c, int32_t offset) {
    char text[ZONE_TIME_LEN + 1];
    size_t len = zone_write_time(clock_wall_us() / 1000000, offset, text);
    if (tool_call_add(c, span_from(text, len))) tool_call_done(c);
}

COLD static void no_zone(tool_call *c, span name, int error) {
    if (error == ENOENT && access(zones, F_OK) < 0)
        tool_call_fail(c, TOOL_UNREACHABLE,
                       "this machine has no time zone data; without a timezone the time in UTC is "
                       "told");
    else if (error == ENOENT || error == ENOTDIR || error == ENODATA)
        tool_call_fail(c, TOOL_BAD_ARGUMENTS,
                       "there is no time zone %.*s; expected an IANA name such as Europe/Berlin or "
                       "America/New_York",
                       SPAN_ARG(name));
    else
        tool_call_fail(c, TOOL_UNREACHABLE, "the time zone %.*s cannot be read", SPAN_ARG(name));
}

static void on_done(aside *a) {
    zone_reading *r = CONTAINER_OF(a, zone_reading, aside);
    tool_call *c = r->call;
    span name = span_slice(buf_span(&r->path), sizeof zones, r->path.len);
    int32_t offset;
    ((builtin_call *)tool_call_own(c))->reading = NULL;
    if (!r->error && !zone_offset(buf_span(&r->file), clock_wall_us() / 1000000, &offset))
        r->error = ENODATA;
    if (r->error)
        no_zone(c, name, r->error);
    else
        answer(c, offset);
    reading_free(a);
}

static void read_zone(tool_call *c, span name) {
    zone_reading *r = mem_zalloc(sizeof *r);
    r->aside = (aside){.run = on_read, .done = on_done, .free = reading_free};
    r->call = c;
    buf_addf(&r->path, "%s/%.*s", zones, SPAN_ARG(name));
    ((builtin_call *)tool_call_own(c))->reading = r;
    loop_aside_in(tool_call_loop(c), &tool_call_runner(c)->files, &r->aside);
}

/* ---- the tools ---- */

/* Of arguments that were checked; empty: it is not there. */
static span argument_text(const tool_call *c, const char *name, arena *a) {
    json_value root, value = {JSON_NONE};
    json_fault fault;
    if (json_scan(tool_call_ask(c)->arguments, NULL, &root, &fault))
        value = json_get(root, span_cstr(name));
    return value.type == JSON_STRING ? json_string(value, a) : SPAN_EMPTY;
}

static void start_time(tool_call *c) {
    arena a;
    arena_init(&a, 0);
    span zone = argument_text(c, "timezone", &a);
    if (!zone.len || span_ieq(zone, SPAN_OF("UTC")))
        answer(c, 0);
    else if (zone_is_name(zone))
        read_zone(c, zone);
    else
        tool_call_fail(c, TOOL_BAD_ARGUMENTS,
                       "the timezone is no name of one; expected an IANA name such as "
                       "Europe/Berlin or America/New_York");
    arena_done(&a);
}

typedef struct builtin {
    span name, description, parameters;
    void (*start)(tool_call *c);
} builtin;

static const builtin builtins[] = {
    {SPAN("get_current_time"),
     SPAN(
         "Tells the current date and time in ISO 8601: of the given time zone with its offset from "
         "UTC, or without one in UTC."),
     SPAN("{\"type\":\"object\",\"properties\":{\"timezone\":{\"type\":\"string\",\"description\":"
          "\"IANA name of a time zone, such as Europe/Berlin or America/New_York. Default: "
          "UTC.\"}},\"additionalProperties\":false}"),
     start_time},
};

static bool make(tool *t, const config_tool *from, buf *ret_why) {
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        if (!span_eq(builtins[i].name, from->name)) continue;
        t->made = &builtins[i];
        t->parameters = builtins[i].parameters;
        t->repeatable = true; /* they only tell */
        if (!t->description.len) t->description = builtins[i].description;
        return true;
    }
    buf_addf(ret_why, "there is no builtin tool %.*s", SPAN_ARG(from->name));
    return false;
}

static void start(tool_call *c) {
    const builtin *b = tool_call_tool(c)->made;
    b->start(c);
}

static void stop(tool_call *c) {
    builtin_call *own = tool_call_own(c);
    if (own->reading) aside_drop(&own->reading->aside);
    own->reading = NULL;
}

const tool_kind_ops tool_builtin = {
    .name = "builtin",
    .call_size = sizeof(builtin_call),
    .start = start,
    .stop = stop,
    .make = make,
};
