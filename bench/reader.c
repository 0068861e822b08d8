#include "reader.h"

#include <stdlib.h>
#include <string.h>

void reader_begin(reader *r, const expectation *want) {
    r->want = want;
    r->state = READ_HEAD;
    r->left = r->body_at = r->line_len = 0;
    r->events = 0;
    r->finished = r->ending = false;
}

static void read_head(reader *r) {
    r->line[r->line_len] = '\0';
    if (strncmp(r->line, "HTTP/1.1 200 ", 13) != 0) die("not a good answer: %s", r->line);
    const char *length = strcasestr(r->line, "\r\ncontent-length:");
    bool chunked = strcasestr(r->line, "\r\ntransfer-encoding: chunked\r\n") != NULL;
    if (!length == !chunked) die("neither a length nor chunks, or both: %s", r->line);
    r->left = length ? strtoul(length + 17, NULL, 10) : 0;
    r->state = length ? READ_BODY : READ_CHUNK_SIZE;
    r->line_len = 0;
}

/* One line of a stream: comments, blank lines and events without content are passed over. */
static void stream_line(reader *r) {
    r->line[r->line_len] = '\0';
    if (strncmp(r->line, "data: ", 6) != 0) {
        if (r->line_len && r->line[0] != ':') die("not an event: %s", r->line);
    } else if (strcmp(r->line + 6, WIRE_DONE) == 0) {
        r->finished = true;
    } else if (strstr(r->line, "\"error\":")) {
        die("an error in the stream after %u events: %s", r->events, r->line);
    } else {
        const char *token = strstr(r->line, WIRE_TOKEN_PREFIX);
        if (token) {
            unsigned n = (unsigned)strtoul(token + strlen(WIRE_TOKEN_PREFIX), NULL, 10);
            if (n != ++r->events) die("event %u came where %u was due", n, r->events);
        }
    }
    r->line_len = 0;
}

static void read_stream(reader *r, const char *bytes, size_t len) {
    while (len) {
        const char *end = memchr(bytes, '\n', len);
        size_t n = end ? (size_t)(end - bytes) : len;
        if (r->line_len + n >= sizeof r->line)
            die("an event of more than %zu bytes", sizeof r->line);
        memcpy(r->line + r->line_len, bytes, n);
        r->line_len += n;
        if (!end) return;
        stream_line(r);
        bytes += n + 1;
        len -= n + 1;
    }
}

static void read_body(reader *r, const char *bytes, size_t len) {
    if (!r->want->body) {
        read_stream(r, bytes, len);
    } else if (r->want->content) {
        r->text = realloc(r->text, r->body_at + len);
        if (!r->text) die("out of memory");
        memcpy(r->text + r->body_at, bytes, len);
    } else if (len > r->want->body_len - r->body_at ||
               memcmp(r->want->body + r->body_at, bytes, len) != 0) {
        die("the body differs from what was sent, at byte %zu or later", r->body_at);
    }
    r->body_at += len;
}

static bool complete(reader *r) {
    r->state = READ_DONE;
    if (r->want->content) {
        if (!r->text || !memmem(r->text, r->body_at, r->want->content, r->want->content_len))
            die("an answer without what was said: %.*s", (int)(r->body_at < 300 ? r->body_at : 300),
                r->text ? r->text : "");
    } else if (r->want->body && r->body_at != r->want->body_len)
        die("a body of %zu bytes; %zu were sent", r->body_at, r->want->body_len);
    if (!r->want->body && (r->events != r->want->events || !r->finished))
        die("a stream ended after %u of %u events%s", r->events, r->want->events,
            r->finished ? "" : " without [DONE]");
    return true;
}

/* Gathers up to and including the end mark in r->line; true when it is there. */
static bool gather(reader *r, const char **bytes, size_t *len, const char *mark, size_t mark_len) {
    while (*len) {
        if (r->line_len + 1 >= sizeof r->line) die("a head of more than %zu bytes", sizeof r->line);
        r->line[r->line_len++] = *(*bytes)++;
        --*len;
        if (r->line_len >= mark_len &&
            memcmp(r->line + r->line_len - mark_len, mark, mark_len) == 0)
            return true;
    }
    return false;
}

bool reader_feed(reader *r, const char *bytes, size_t len) {
    /* A chunk's frame may stand between the parts of a line, so it is read apart from r->line. */
    while (len) {
        size_t n = len < r->left ? len : r->left;
        switch (r->state) {
        case READ_HEAD:
            if (!gather(r, &bytes, &len, "\r\n\r\n", 4)) return false;
            read_head(r);
            if (r->state == READ_BODY && !r->left) return complete(r);
            break;
        case READ_BODY:
        case READ_CHUNK:
            read_body(r, bytes, n);
            bytes += n;
            len -= n;
            r->left -= n;
            if (r->left) return false;
            if (r->state == READ_BODY) {
                if (len) die("%zu bytes follow the answer", len);
                return complete(r);
            }
            r->state = READ_CHUNK_END;
            break;
        case READ_CHUNK_SIZE:
            for (; len && *bytes != '\n'; bytes++, len--) {
                if (*bytes == '\r') continue;
                const char *digits = "0123456789abcdef", *at = strchr(digits, *bytes | 0x20);
                if (!at) die("not a chunk's size: byte %d", *bytes);
                r->left = r->left * 16 + (size_t)(at - digits);
            }
            if (!len) return false;
            bytes++;
            len--;
            r->state = r->left ? READ_CHUNK : READ_CHUNK_END;
            r->ending = !r->left;
            break;
        case READ_CHUNK_END:
            if (*bytes == '\n') {
                if (r->ending) {
                    if (len > 1) die("%zu bytes follow the answer", len - 1);
                    return complete(r);
                }
                r->state = READ_CHUNK_SIZE;
            } else if (*bytes != '\r') {
                die("a chunk does not end where it says");
            }
            bytes++;
            len--;
            break;
        case READ_DONE: die("%zu bytes came after the answer", len);
        }
    }
    return false;
}
