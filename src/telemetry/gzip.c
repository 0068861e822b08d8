#include "telemetry/gzip.h"

#include <limits.h>
#include <zlib.h>

/* What telemetry says repeats itself: the fastest level makes a tenth of it. */
enum { LEVEL = Z_BEST_SPEED, WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

bool gzip_write(span text, buf *out) {
    z_stream z = {0};
    if (text.len > UINT_MAX / 2) return false;
    if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return false;
    size_t most = deflateBound(&z, text.len);
    z.next_in = (Bytef *)text.ptr;
    z.avail_in = (uInt)text.len;
    z.next_out = (Bytef *)buf_reserve(out, most);
    z.avail_out = (uInt)most;
    bool ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
    if (ok) buf_grow(out, most - z.avail_out);
    (void)deflateEnd(&z);
    return ok;
}
