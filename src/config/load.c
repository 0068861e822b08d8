/* The doors to a snapshot: from a file, from memory, from nothing. */
#include "config/problems.h"
#include "config/reader.h"
#include "config/write.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

config *config_parse_with(span yaml, const char *name, const config_setting *settings, size_t count,
                          config_problems *ret_problems) {
    config_input in = {.yaml = yaml,
                       .file = span_cstr(name),
                       .settings = settings,
                       .setting_count = count,
                       .sources = &config_sources_real};
    return config_build(&in, ret_problems);
}

config *config_parse(span yaml, const char *name, config_problems *ret_problems) {
    return config_parse_with(yaml, name, NULL, 0, ret_problems);
}

/* Unlike a key file it may be a pipe: who says `-c /dev/stdin` means to wait for it. */
/* *ret_bytes: how long it is, also where that is too long; -1: nobody knows, as of a pipe.
 * regular: nothing else is read, nor waited for: ESPIPE. */
static int read_config(const char *path, bool regular, buf *ret, bool *ret_exposed,
                       int64_t *ret_bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0)), error = 0;
    struct stat st;
    if (fd < 0) return errno;
    if (fstat(fd, &st) < 0) error = errno;
    if (!error && regular && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) error = ESPIPE;
    while (!error && ret->len <= YAML_BYTES_MAX) {
        ssize_t n = read(fd, buf_reserve(ret, 16 << 10), 16 << 10);
        if (n == 0) break;
        if (n < 0 && errno != EINTR) error = errno;
        if (n > 0) buf_grow(ret, (size_t)n);
    }
    if (!error) *ret_exposed = S_ISREG(st.st_mode) && (st.st_mode & S_IROTH);
    *ret_bytes = !error && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
    close(fd);
    return error;
}

/* No more of it is read than shows that. */
static void too_large(config_problems *problems, const char *path, int64_t bytes) {
    if (bytes >= 0)
        problems_add(problems, span_cstr(path), SPAN_EMPTY, 0, 0,
                     "the file has %lld bytes; a configuration may have %d", (long long)bytes,
                     YAML_BYTES_MAX);
    else
        problems_add(problems, span_cstr(path), SPAN_EMPTY, 0, 0,
                     "it has more than %d bytes, the most that a configuration may have",
                     YAML_BYTES_MAX);
}

static config *load(const char *path, bool regular, const config_setting *settings, size_t count,
                    config_problems *ret_problems) {
    buf text = BUF_EMPTY;
    bool exposed = false;
    int64_t bytes = -1;
    int error = read_config(path, regular, &text, &exposed, &bytes);
    config *c = NULL;
    if (error == ESPIPE) {
        problems_init(ret_problems);
        problems_add(ret_problems, span_cstr(path), SPAN_EMPTY, 0, 0,
                     "it is no file that can be read a second time; a reload needs one");
    } else if (error) {
        char why[128];
        problems_init(ret_problems);
        problems_add(ret_problems, span_cstr(path), SPAN_EMPTY, 0, 0, "cannot read the file: %s",
                     strerror_r(error, why, sizeof why));
    } else if (text.len > YAML_BYTES_MAX) {
        problems_init(ret_problems);
        too_large(ret_problems, path, bytes);
    } else {
        const char *slash = strrchr(path, '/');
        config_input in = {.yaml = buf_span(&text),
                           .file = span_cstr(path),
                           .folder =
                               slash ? span_from(path, (size_t)(slash - path) + 1) : SPAN_EMPTY,
                           .exposed = exposed,
                           .watched = true,
                           .settings = settings,
                           .setting_count = count,
                           .sources = &config_sources_real};
        c = config_build(&in, ret_problems);
    }
    if (text.ptr) mem_wipe(text.ptr, text.cap);
    buf_done(&text);
    return c;
}

config *config_load_with(const char *path, const config_setting *settings, size_t count,
                         config_problems *ret_problems) {
    return load(path, false, settings, count, ret_problems);
}

bool config_says_nothing(const config *c) {
    return c->own->says_nothing;
}

config *config_load_again(const char *path, bool of_nothing, config_problems *ret_problems) {
    config *c = load(path, true, NULL, 0, ret_problems);
    if (!c || of_nothing || !c->own->says_nothing) return c;
    problems_add(ret_problems, span_cstr(path), SPAN_EMPTY, 0, 0,
                 "the file has no option in it; to serve without any, start anew");
    config_unref(c);
    return NULL;
}

config *config_load(const char *path, config_problems *ret_problems) {
    return config_load_with(path, NULL, 0, ret_problems);
}

COLD static void write_simulator(const char *url, buf *out) {
    buf_add_cstr(out, "providers: {simulator: {url: ");
    write_string(span_cstr(url), out);
    buf_add_cstr(out, "}}\n");
}

/* What a model may call where nobody has said what: it tells the time, and can do nothing. */
static const char tools_of_a_trial[] = "tools: {get_current_time: {kind: builtin}}\n";

config *config_default(const char *simulator_url, config_problems *ret_problems) {
    const char *key = config_sources_real.env(&config_sources_real, "OPENAI_API_KEY");
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, tools_of_a_trial);
    if (!(key && *key) && simulator_url) write_simulator(simulator_url, &text);
    config *c = config_parse(buf_span(&text), "", ret_problems);
    buf_done(&text);
    return c;
}

config *config_trial(const char *simulator_url, span address, const char *from,
                     config_problems *ret_problems) {
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "server: {open: true, hosts: [\"*\"]}\n");
    buf_add_cstr(&text, tools_of_a_trial);
    write_simulator(simulator_url, &text);
    config *c = config_parse(buf_span(&text), "", ret_problems);
    buf_done(&text);
    if (!c || config_set_listen(c, address, from, ret_problems)) return c;
    config_unref(c);
    return NULL;
}

int64_t config_refresh_ms(const config *c) {
    return c->own->refresh_ms;
}

size_t config_watch_paths(const config *c, const span **ret_paths) {
    *ret_paths = c->own->watch_paths;
    return c->own->watch_count;
}

int64_t config_began_us(const config *c) {
    return c->own->began_us;
}

void config_allow_calls(config *c, unsigned calls) {
    if (c->limits.calls < calls) c->limits.calls = calls;
    for (size_t i = 0; i < c->provider_count; i++)
        if (c->providers[i].max_connections < calls) c->providers[i].max_connections = calls;
}
