#include "cli/chat_images.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

const char *chat_image_type(span file) {
    if (span_starts(file, SPAN_OF("\x89PNG\r\n\x1a\n"))) return "image/png";
    if (span_starts(file, SPAN_OF("\xff\xd8\xff"))) return "image/jpeg";
    if (span_starts(file, SPAN_OF("GIF87a")) || span_starts(file, SPAN_OF("GIF89a")))
        return "image/gif";
    if (span_starts(file, SPAN_OF("RIFF")) &&
        span_starts(span_slice(file, 8, file.len), SPAN_OF("WEBP")))
        return "image/webp";
    return NULL;
}

/* RFC 4648 section 4. */
void chat_write_base64(span bytes, buf *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned triple = 0;
        for (size_t k = 0; k < 3; k++)
            triple = triple << 8 | (k < left ? (unsigned char)bytes.ptr[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_add_char(out, k <= left ? digits[triple >> (18 - 6 * k) & 63] : '=');
    }
}

/* Up to the bound and one byte more, which tells that there are too many. */
static bool read_file(const char *path, buf *ret, buf *why) {
    struct stat what;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool ok = fd >= 0 && fstat(fd, &what) == 0;
    if (ok && !S_ISREG(what.st_mode)) {
        buf_addf(why, "%s is no regular file", path);
        close(fd);
        return false;
    }
    for (ssize_t n = 1; ok && n > 0 && ret->len <= CHAT_IMAGE_MAX;) {
        n = read(fd, buf_reserve(ret, 65536), 65536);
        if (n > 0) buf_grow(ret, (size_t)n);
        ok = n >= 0 || errno == EINTR;
    }
    if (!ok) buf_addf(why, "cannot read %s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return ok;
}

static bool add(chat_images *images, const char *path, span file, buf *why) {
    const char *type = chat_image_type(file);
    if (file.len > CHAT_IMAGE_MAX)
        buf_addf(why, "%s is longer than %d bytes, the most that a picture may have", path,
                 CHAT_IMAGE_MAX);
    else if (!type)
        buf_addf(why, "%s is no picture in PNG, JPEG, GIF or WebP; -f sends text", path);
    if (file.len > CHAT_IMAGE_MAX || !type) return false;
    buf_addf(&images->parts, "%s{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:%s;base64,",
             images->count ? "," : "", type);
    chat_write_base64(file, &images->parts);
    buf_add_cstr(&images->parts, "\"}}");
    images->count++;
    return true;
}

bool chat_images_add(chat_images *images, const char *path, buf *why) {
    buf file = BUF_EMPTY;
    bool ok = read_file(path, &file, why) && add(images, path, buf_span(&file), why);
    buf_done(&file);
    return ok;
}

void chat_images_done(chat_images *images) {
    buf_done(&images->parts);
    *images = (chat_images){0};
}
