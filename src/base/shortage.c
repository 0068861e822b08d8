#include "base/shortage.h"

#include <assert.h>
#include <errno.h>

enum { HERE = false, EVERYWHERE = true };

static const shortage_row rows[SHORTAGE_COUNT] = {
#define X(name, word, error, reach, remedy, sentence)                                              \
    [SHORTAGE_##name] = {word, ERR_##error, reach, remedy, sentence},
#include "base/shortage.def"
#undef X
};

const shortage_row *shortage_get(shortage s) {
    assert(s > SHORTAGE_NONE && s < SHORTAGE_COUNT);
    return &rows[s];
}

/* A host that does not answer for itself (EHOSTUNREACH, ETIMEDOUT) is the peer. */
shortage shortage_of_errno(int err) {
    switch (err) {
    case EMFILE: return SHORTAGE_DESCRIPTORS;
    case ENFILE: return SHORTAGE_FILES;
    case ENOMEM:
    case ENOBUFS: return SHORTAGE_MEMORY;
    case EADDRNOTAVAIL: return SHORTAGE_PORTS;
    case ENETDOWN:
    case ENETUNREACH: return SHORTAGE_NETWORK;
    case EACCES:
    case EPERM: return SHORTAGE_BARRED;
    default: return SHORTAGE_NONE;
    }
}
