#include "ledger/home.h"

#include "base/hash.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SQLITE_PREFIX SPAN_OF("sqlite:")

/* ---- where ---- */

static bool add_variable(const char *name, const char *below, buf *ret) {
    const char *value = getenv(name);
    if (!value || value[0] != '/') return false;
    span first, rest = span_cstr(value);
    if (!span_cut(&rest, ':', &first)) first = rest; /* systemd may give several */
    buf_add(ret, first);
    buf_add_cstr(ret, below);
    return true;
}

static bool find_state(buf *ret) {
    return add_variable("STATE_DIRECTORY", "", ret) ||
           add_variable("XDG_STATE_HOME", "/weir", ret) ||
           add_variable("HOME", "/.local/state/weir", ret);
}

static void add_parent(span path, buf *ret) {
    size_t end = path.len;
    while (end && path.ptr[end - 1] != '/')
        end--;
    while (end > 1 && path.ptr[end - 1] == '/')
        end--;
    buf_add(ret, end ? span_from(path.ptr, end) : SPAN_OF("."));
}

bool ledger_home_find(const config_ledger *c, ledger_home *ret, buf *ret_why) {
    *ret = (ledger_home){.lock_fd = -1};
    if (span_starts(c->store, SQLITE_PREFIX)) {
        buf_add(&ret->store, c->store);
        add_parent(span_slice(c->store, SQLITE_PREFIX.len, c->store.len), &ret->folder);
    } else if (find_state(&ret->folder)) {
        if (c->store.len)
            buf_add(&ret->store, c->store);
        else
            buf_addf(&ret->store, "sqlite:%.*s/ledger.db", SPAN_ARG(buf_span(&ret->folder)));
    } else {
        buf_add_cstr(ret_why, "there is no place for records: neither STATE_DIRECTORY nor "
                              "XDG_STATE_HOME nor HOME says where; set ledger.store to "
                              "sqlite:/PATH, or ledger: off");
        return false;
    }
    buf_addf(&ret->journal, "%.*s/journal", SPAN_ARG(buf_span(&ret->folder)));
    return true;
}

void ledger_home_done(ledger_home *h) {
    if (h->lock_fd >= 0) close(h->lock_fd);
    buf_done(&h->folder);
    buf_done(&h->journal);
    buf_done(&h->store);
}

/* ---- entering ---- */

/* With all that is above it. Only the owner may read what it holds. */
static int make_folder(char *path) {
    for (char *at = path + 1;; at++) {
        if (*at && *at != '/') continue;
        char cut = *at;
        *at = '\0';
        int err = mkdir(path, 0700) && errno != EEXIST ? errno : 0;
        *at = cut;
        if (err || !cut) return err;
    }
}

static bool cannot(const ledger_home *h, int err, buf *ret_why) {
    buf_addf(ret_why,
             "cannot keep records in %.*s: %s; set ledger.store to a file in a directory that can "
             "be written, or ledger: off",
             SPAN_ARG(buf_span(&h->folder)), strerror(err));
    return false;
}

static int open_in(const ledger_home *h, const char *name, int flags) {
    buf path = BUF_EMPTY;
    buf_addf(&path, "%.*s/%s", SPAN_ARG(buf_span(&h->folder)), name);
    int fd = open(buf_cstr(&path), flags | O_CLOEXEC, 0600);
    int err = errno;
    buf_done(&path);
    errno = err;
    return fd;
}

static bool is_taken(ledger_home *h, buf *ret_why) {
    char pid[16] = "";
    ssize_t n = pread(h->lock_fd, pid, sizeof pid - 1, 0);
    span owner = span_trim(span_from(pid, n > 0 ? (size_t)n : 0));
    if (owner.len && owner.ptr[owner.len - 1] == '\n') owner.len--;
    buf_addf(ret_why, "another weir");
    if (owner.len) buf_addf(ret_why, " (process %.*s)", SPAN_ARG(owner));
    buf_addf(ret_why,
             " keeps its records in %.*s; give this one a place of its own (ledger.store: "
             "sqlite:/PATH), or ledger: off",
             SPAN_ARG(buf_span(&h->folder)));
    return false;
}

/* 0, EWOULDBLOCK where somebody else has it, or why not. */
static int take_lock(ledger_home *h) {
    h->lock_fd = open_in(h, "ledger.lock", O_RDWR | O_CREAT);
    return h->lock_fd < 0 || flock(h->lock_fd, LOCK_EX | LOCK_NB) ? errno : 0;
}

static bool say_owner(ledger_home *h, buf *ret_why) {
    char pid[16];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    bool said = !ftruncate(h->lock_fd, 0) && pwrite(h->lock_fd, pid, (size_t)len, 0) == len;
    return said || cannot(h, errno, ret_why);
}

static bool lock(ledger_home *h, buf *ret_why) {
    int err = take_lock(h);
    if (err) return err == EWOULDBLOCK ? is_taken(h, ret_why) : cannot(h, err, ret_why);
    return say_owner(h, ret_why);
}

/* Made once, and kept as long as the directory. */
static bool name_node(ledger_home *h, buf *ret_why) {
    unsigned char bytes[NODE_LEN / 2];
    int fd = open_in(h, "node", O_RDWR | O_CREAT);
    if (fd < 0) return cannot(h, errno, ret_why);
    bool good = read(fd, h->node, NODE_LEN) == NODE_LEN &&
                hex_decode(span_from(h->node, NODE_LEN), bytes, sizeof bytes);
    if (!good) {
        random_bytes(bytes, sizeof bytes);
        hex_encode(bytes, sizeof bytes, h->node);
        good = pwrite(fd, h->node, NODE_LEN, 0) == NODE_LEN;
    }
    int err = errno;
    close(fd);
    return good || cannot(h, err, ret_why);
}

bool ledger_home_make(ledger_home *h, buf *ret_why) {
    (void)buf_cstr(&h->journal);
    int err = make_folder(h->journal.ptr);
    return !err || cannot(h, err, ret_why);
}

bool ledger_home_enter(ledger_home *h, buf *ret_why) {
    return ledger_home_make(h, ret_why) && lock(h, ret_why) && name_node(h, ret_why);
}

/* ---- a command's ---- */

static void name_beside(ledger_home *h, span folder, unsigned number) {
    buf_clear(&h->folder);
    buf_clear(&h->journal);
    buf_addf(&h->folder, "%.*s/commands/%u", SPAN_ARG(folder), number);
    buf_addf(&h->journal, "%.*s/journal", SPAN_ARG(buf_span(&h->folder)));
}

/* Of those that somebody has the last one says so. */
bool ledger_home_enter_beside(ledger_home *h, buf *ret_why) {
    enum { COMMANDS_MAX = 64 }; /* at a time */
    buf folder = BUF_EMPTY;
    buf_add(&folder, buf_span(&h->folder));
    int err = EWOULDBLOCK;
    for (unsigned i = 0; err == EWOULDBLOCK && i < COMMANDS_MAX; i++) {
        if (h->lock_fd >= 0) close(h->lock_fd);
        h->lock_fd = -1;
        name_beside(h, buf_span(&folder), i);
        if (!ledger_home_make(h, ret_why)) break;
        err = take_lock(h);
    }
    buf_done(&folder);
    if (ret_why->len) return false;
    if (err) return err == EWOULDBLOCK ? is_taken(h, ret_why) : cannot(h, err, ret_why);
    return say_owner(h, ret_why) && name_node(h, ret_why);
}
