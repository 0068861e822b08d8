/* How large a picture is, told by its head; and that what tells nothing is not believed. */
#include "heap.h"

#include "dialect/image_size.h"

static bool read(const char *url, unsigned *width, unsigned *height) {
    buf json = BUF_EMPTY;
    buf_addf(&json, "\"%s\"", url);
    char *copy = malloc(json.len); /* nothing is behind it */
    memcpy(copy, json.ptr, json.len);
    bool told =
        image_size_read((json_value){JSON_STRING, span_from(copy, json.len)}, width, height);
    free(copy);
    buf_done(&json);
    return told;
}

#define PNG   "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAIAAAA="
#define GIF   "R0lGODlhQAHIAPcAAA=="
#define JPEG  "/9j/4AAUAAAAAAAAAAAAAAAAAAAAAAAA/8QABWFiY//AABEIAwAEAAM="
#define STEPS "/9j/4AAUAAAAAAAAAAAAAAAAAAAAAAAA/8QABWFiY////8IAEQgAIQBjAw==" /* progressive */
#define VP8   "UklGRmQAAABXRUJQVlA4IDIAAAAQIACdASr0QZAB"
#define VP8L  "UklGRmQAAABXRUJQVlA4TDIAAAAv/z8AAA=="
#define VP8X  "UklGRmQAAABXRUJQVlA4WDIAAAAQAAAAfwcANwQA"

static const struct {
    const char *url;
    unsigned width, height;
} pictures[] = {
    {"data:image/png;base64," PNG, 640, 480},
    {"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAD6AAARFwCAIAAAA=", 4000, 70000},
    {"data:image/gif;base64," GIF, 320, 200},
    {"data:image/jpeg;base64," JPEG, 1024, 768},
    {"data:image/jpeg;base64," STEPS, 99, 33},
    {"data:image/webp;base64," VP8, 500, 400},
    {"data:image/webp;base64," VP8L, 16384, 1},
    {"data:image/webp;base64," VP8X, 1920, 1080},
    {"DATA:image/png;charset=x;base64," PNG, 640, 480},
    {"data:image/jpeg;base64," GIF, 320, 200}, /* its bytes say what it is */
    /* As PHP writes it, and in the alphabet of URLs. */
    {"data:image\\/jpeg;base64,\\/9j\\/4AAUAAAAAAAAAAAAAAAAAAAAAAAA\\/8QABWFiY\\/\\/AABEIAwAEAAM=",
     1024, 768},
    {"data:image/jpeg;base64,_9j_4AAUAAAAAAAAAAAAAAAAAAAAAAAA_8QABWFiY__AABEIAwAEAAM", 1024, 768},
};

static void a_picture(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pictures); i++) {
        unsigned width = 0, height = 0;
        if (!read(pictures[i].url, &width, &height)) fail_msg("%s", pictures[i].url);
        assert_int_equal(width, pictures[i].width);
        assert_int_equal(height, pictures[i].height);
    }
}

static void what_is_none(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "data:",
        "data:image/png;base64,",
        "https://example.com/a.png",
        "data:image/png," PNG,
        "file:image/png;base64," PNG,
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAAAAAAJCAIAAAA=", /* of no width */
        "data:image/png;base64,iVBO Rw0KGgoAAAANSUhEUgAAAoAAAAHgCAIAAAA=",
        "data:image/jpeg;base64,/9j/2mFhYWFhYWFhYWFhYWFhYWFhYWFh", /* no frame */
        "data:image/jpeg;base64,/9j/4AAAYWFhYWFhYWFhYWFhYWFhYWFhYWE=",
        "data:image/bmp;base64,Qk1hYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh",
        "data:image/webp;base64,UklGRmQAAABXRUJQVlA4WjIAAABhYWFhYWFhYWFhYWFhYWFhYWFhYQ==",
        "data:audio/wav;base64,UklGRmFiY2RXQVZFZm10IGFhYWFhYWFhYWFhYWFhYWFhYWFh",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned width = 7, height = 7;
        if (read(rows[i], &width, &height)) fail_msg("%s", rows[i]);
        assert_int_equal(width + height, 14); /* untouched */
    }
    unsigned unused;
    assert_false(image_size_read((json_value){JSON_NUMBER, SPAN("7")}, &unused, &unused));
}

/* Cut at each offset it tells the same or nothing. */
static void what_is_cut_off(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pictures); i++) {
        for (size_t len = 0; len < strlen(pictures[i].url); len++) {
            char url[256];
            unsigned width, height;
            (void)snprintf(url, sizeof url, "%.*s", (int)len, pictures[i].url);
            if (!read(url, &width, &height)) continue;
            assert_int_equal(width, pictures[i].width);
            assert_int_equal(height, pictures[i].height);
        }
    }
}

/* A camera's own data stand before the frame; more than a bound is not gone through. */
static void far_behind_its_beginning(void **state) {
    (void)state;
    static const struct {
        int segments; /* of 65,532 bytes and their marker's 4 */
        bool told;
    } rows[] = {{1, true}, {3, true}, {5, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf url = BUF_EMPTY;
        buf_add_cstr(&url, "data:image/jpeg;base64,/9j/"); /* FFD8FF */
        for (int k = 0; k < rows[i].segments; k++) {
            buf_add_cstr(&url, "4f/9"); /* E1 FFFD: the length counts itself */
            for (int j = 0; j < 65532 / 3 - 1; j++)
                buf_add_cstr(&url, "AAAA");
            buf_add_cstr(&url, "AAD/"); /* its last byte but one, and the next marker's FF */
        }
        buf_add_cstr(&url, "wAARCAMABAAD");
        unsigned width = 0, height = 0;
        assert_int_equal(read(buf_cstr(&url), &width, &height), rows[i].told);
        if (rows[i].told) assert_int_equal(width, 1024);
        buf_done(&url);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(what_is_cut_off),
        cmocka_unit_test(far_behind_its_beginning),
    };
    return run_watched(tests);
}
