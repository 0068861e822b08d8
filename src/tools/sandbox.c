#include "tools/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Landlock: files ---- */

/* The headers of the build may be older than the kernel. */
#define ACCESS_REFER    (1ULL << 13)
#define ACCESS_TRUNCATE (1ULL << 14)

static long landlock_version(void) {
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static uint64_t writing(long version) {
    uint64_t all = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                   LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                   LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                   LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
    if (version >= 2) all |= ACCESS_REFER;
    if (version >= 3) all |= ACCESS_TRUNCATE;
    return all;
}

static int allow(int ruleset, const char *path, uint64_t access) {
    struct landlock_path_beneath_attr rule = {
        .allowed_access = access,
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };
    if (rule.parent_fd < 0) return errno;
    int error = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
                    ? errno
                    : 0;
    close(rule.parent_fd);
    return error;
}

/* What is forbidden, but beneath path. Whoever is in a domain does not reach into a process that
 * is in none: not into its memory, nor for its descriptors. */
static int enter_domain(uint64_t forbidden, const char *path, uint64_t access) {
    struct landlock_ruleset_attr attr = {.handled_access_fs = forbidden};
    /* The first version's size, which each later kernel takes. */
    long ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
    if (ruleset < 0) return errno;
    int error = allow((int)ruleset, path, access);
    if (!error && syscall(SYS_landlock_restrict_self, (int)ruleset, 0) < 0) error = errno;
    close((int)ruleset);
    return error;
}

static int forbid_writing(void) {
    const long version = landlock_version();
    if (version < 1) return ENOSYS;
    return enter_domain(writing(version), "/dev/null",
                        LANDLOCK_ACCESS_FS_WRITE_FILE | (version >= 3 ? ACCESS_TRUNCATE : 0));
}

/* A domain forbids to move files between folders unless that is allowed, which its first version
 * cannot say. */
static bool may_stand_alone(void) {
    return landlock_version() >= 2;
}

/* In a domain that forbids nothing. */
static int stand_alone(void) {
    return may_stand_alone() ? enter_domain(ACCESS_REFER, "/", ACCESS_REFER) : 0;
}

/* ---- seccomp: system calls ---- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH
enum { FILTER_MAX = 128, X32_BIT = 0x40000000 };

typedef struct filter {
    struct sock_filter rows[FILTER_MAX];
    unsigned short count;
} filter;

static void add(filter *f, struct sock_filter row) {
    if (f->count < FILTER_MAX) f->rows[f->count++] = row;
}

static void load(filter *f, size_t offset) {
    add(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(filter *f, int error) {
    uint32_t action = error ? SECCOMP_RET_ERRNO | (uint32_t)error : SECCOMP_RET_ALLOW;
    add(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The call's number is loaded, before and after. */
static void refuse(filter *f, long number, int error) {
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1));
    answer(f, error);
}

/* Opening for reading alone, but to make the file empty: before its third version Landlock lets
 * that pass. arg: which argument has the flags. */
static void refuse_emptying(filter *f, long number, unsigned arg) {
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 5));
    load(f, offsetof(struct seccomp_data, args) + 8 * arg);
    add(f, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_ACCMODE | O_TRUNC));
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, O_TRUNC, 0, 1));
    answer(f, EROFS);
    load(f, offsetof(struct seccomp_data, nr));
}

/* Those that change files without writing to them: flags, quota groups, subvolumes. Files systems
 * have a letter each, and what is handed to them has a mark. */
static void refuse_file_controls(filter *f) {
    static const uint32_t letters[] = {'f', 'v', 'X', 'r', 0x94 /* Btrfs */, 0xF5 /* F2FS */};
    enum { HANDED = 0x40000000, MARK_AND_LETTER = 0xC000FF00, ROWS = 5 + 2 * ARRAY_LEN(letters) };
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, ROWS));
    load(f, offsetof(struct seccomp_data, args) + 8);
    refuse(f, (long)FS_IOC_SET_ENCRYPTION_POLICY, EROFS); /* marked the wrong way round */
    add(f, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)MARK_AND_LETTER));
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        refuse(f, (long)(HANDED | letters[i] << 8), EROFS);
    load(f, offsetof(struct seccomp_data, nr));
}

/* A pair is for processes that have one another, as Node gives its children, and leads nowhere else
 * while its ends stay connected. Datagrams go wherever each one is addressed to (unix(7)): to the
 * system's log, to systemd. */
static void refuse_loose_pairs(filter *f) {
    enum { ROWS = 8, TYPE = 0xF /* without SOCK_CLOEXEC, SOCK_NONBLOCK */ };
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socketpair, 0, ROWS));
    load(f, offsetof(struct seccomp_data, args));
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 4));
    load(f, offsetof(struct seccomp_data, args) + 8);
    add(f, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TYPE));
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0));
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_SEQPACKET, 1, 0));
    answer(f, EACCES);
    load(f, offsetof(struct seccomp_data, nr));
}

/* A socket that is another process's is one, too. */
static void refuse_network(filter *f) {
    static const int calls[] = {SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
                                SYS_pidfd_getfd};
    refuse(f, SYS_socket, EACCES);
    refuse_loose_pairs(f);
    for (size_t i = 0; i < ARRAY_LEN(calls) && !may_stand_alone(); i++)
        refuse(f, calls[i], EPERM);
}

static void refuse_changes(filter *f) {
    static const int calls[] = {
#ifdef SYS_chmod
        SYS_chmod,
        SYS_chown,
        SYS_lchown,
        SYS_utime,
        SYS_utimes,
        SYS_futimesat,
#endif
        SYS_fchmod,
        SYS_fchmodat,
        SYS_fchown,
        SYS_fchownat,
        SYS_utimensat,
        SYS_setxattr,
        SYS_lsetxattr,
        SYS_fsetxattr,
        SYS_removexattr,
        SYS_lremovexattr,
        SYS_fremovexattr,
        SYS_truncate,
        SYS_mount,
        SYS_umount2,
        452 /* fchmodat2 */,
        463 /* setxattrat */,
        466 /* removexattrat */,
        469 /* file attributes */,
    };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        refuse(f, calls[i], EROFS);
    refuse(f, SYS_openat2, ENOSYS); /* its flags cannot be looked at; who has it has openat */
    refuse_file_controls(f);
    refuse_emptying(f, SYS_openat, 2);
#ifdef SYS_open
    refuse_emptying(f, SYS_open, 1);
#endif
}

static void make_filter(filter *f, const config_tool_sandbox *s) {
    f->count = 0;
    load(f, offsetof(struct seccomp_data, arch));
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
    answer(f, ENOSYS);
    load(f, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    answer(f, ENOSYS);
#endif
    refuse(f, SYS_io_uring_setup, ENOSYS);
    if (s->no_network) refuse_network(f);
    if (s->read_only) refuse_changes(f);
    answer(f, 0);
}

static int filter_calls(const config_tool_sandbox *s) {
    filter f;
    make_filter(&f, s);
    const struct sock_fprog program = {f.count, f.rows};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? errno : 0;
}

static bool has_filters(void) {
    const uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
#else
static int filter_calls(const config_tool_sandbox *s) {
    (void)s;
    return ENOSYS;
}
static bool has_filters(void) {
    return false;
}
#endif

/* ---- both ---- */

bool sandbox_is_possible(const config_tool_sandbox *s, buf *ret_why) {
    if (!s->no_network && !s->read_only) return true;
    if (!has_filters()) {
        buf_add_cstr(ret_why, "this system has no filters of system calls (seccomp)");
        return false;
    }
    if (s->read_only && landlock_version() < 1) {
        buf_add_cstr(ret_why, "this system has no Landlock, which read_only needs (Linux 5.13, and "
                              "\"landlock\" in /sys/kernel/security/lsm)");
        return false;
    }
    return true;
}

int sandbox_enter(const config_tool_sandbox *s) {
    if (!s->no_network && !s->read_only) return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return errno;
    int error = s->read_only ? forbid_writing() : stand_alone();
    return error ? error : filter_calls(s);
}
