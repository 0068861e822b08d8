/* cli/chat_images: what is a picture, and how it goes along. */
#include "cli/chat_images.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

static void base64(void **state) {
    (void)state;
    static const char *const rows[][2] = {/* RFC 4648 section 10 */
                                          {"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xfb\xff\xfe", "+//+"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        chat_write_base64(span_cstr(rows[i][0]), &out);
        assert_string_equal(buf_cstr(&out), rows[i][1]);
        buf_done(&out);
    }
}

static void types(void **state) {
    (void)state;
    static const struct {
        span file;
        const char *type;
    } rows[] = {{SPAN("\x89PNG\r\n\x1a\n…"), "image/png"},
                {SPAN("\xff\xd8\xff\xe0"), "image/jpeg"},
                {SPAN("GIF89a"), "image/gif"},
                {SPAN("GIF87a."), "image/gif"},
                {SPAN("RIFF1234WEBPVP8 "), "image/webp"},
                {SPAN("RIFF1234WAVE"), NULL},
                {SPAN("RIFF"), NULL},
                {SPAN("\x89PNG"), NULL},
                {SPAN("GIF90a"), NULL},
                {SPAN("%PDF-1.7"), NULL},
                {SPAN(""), NULL}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *type = chat_image_type(rows[i].file);
        if (!rows[i].type)
            assert_null(type);
        else
            assert_string_equal(type, rows[i].type);
    }
}

static void write_file(const char *path, const char *head, size_t len) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(head, f);
    assert_int_equal(ftruncate(fileno(f), (off_t)len), 0);
    fclose(f);
}

static void files(void **state) {
    (void)state;
    char path[] = "/tmp/weir-picture-XXXXXX", wanted[256];
    close(mkstemp(path));
    chat_images images = {0};
    buf why = BUF_EMPTY;
    write_file(path, "GIF89a", 6);
    assert_true(chat_images_add(&images, path, &why) && chat_images_add(&images, path, &why));
    assert_int_equal(images.count, 2);
#define PART "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/gif;base64,R0lGODlh\"}}"
    assert_string_equal(buf_cstr(&images.parts), PART "," PART);

    write_file(path, "GIF89a", CHAT_IMAGE_MAX);
    assert_true(chat_images_add(&images, path, &why));
    write_file(path, "GIF89a", CHAT_IMAGE_MAX + 1);
    size_t len = images.parts.len;
    assert_false(chat_images_add(&images, path, &why));
    snprintf(wanted, sizeof wanted,
             "%s is longer than 4194304 bytes, the most that a picture may have", path);
    assert_string_equal(buf_cstr(&why), wanted);
    buf_clear(&why);
    write_file(path, "words", 5);
    assert_false(chat_images_add(&images, path, &why));
    snprintf(wanted, sizeof wanted, "%s is no picture in PNG, JPEG, GIF or WebP; -f sends text",
             path);
    assert_string_equal(buf_cstr(&why), wanted);
    buf_clear(&why);
    assert_false(chat_images_add(&images, "/tmp", &why));
    assert_string_equal(buf_cstr(&why), "/tmp is no regular file");
    buf_clear(&why);
    assert_int_equal(unlink(path), 0);
    assert_false(chat_images_add(&images, path, &why));
    assert_non_null(strstr(buf_cstr(&why), "No such file"));
    assert_int_equal(images.count, 3);
    assert_int_equal(images.parts.len, len);
    chat_images_done(&images);
    buf_done(&why);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(base64),
        cmocka_unit_test(types),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
