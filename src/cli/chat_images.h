/* cli/chat_images.h: pictures that go along with a question, as a chat completion takes them.
 *
 * PNG, JPEG, GIF and WebP, known by their first bytes and not by their names. Read whole, bounded.
 * Main thread; may block.
 */
#ifndef WEIR_CLI_CHAT_IMAGES_H
#define WEIR_CLI_CHAT_IMAGES_H

#include "base/buf.h"

enum { CHAT_IMAGE_MAX = 4 << 20 }; /* bytes of one */

/* All zero: none. */
typedef struct chat_images {
    buf parts; /* {"type":"image_url", …}, with commas between them */
    size_t count;
} chat_images;

/* Reads another one; a regular file. false: why says in words what is wrong, and images are as
 * before. */
MUST_USE bool chat_images_add(chat_images *images, const char *path, buf *why);
void chat_images_done(chat_images *images);

/* "image/png" …; NULL: it is none of them. */
const char *chat_image_type(span file);
void chat_write_base64(span bytes, buf *out);

#endif
