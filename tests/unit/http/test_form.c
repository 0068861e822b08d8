/* Fields of forms: as clients write them, and what readers would take for different things. */
#include "heap.h"

#include "http/form.h"

static const span asked[] = {SPAN("model"), SPAN("stream")};

typedef struct formed {
    arena arena;
    char *copy; /* to its exact size, so that a sanitizer sees any read beyond it */
    span body;
    http_form form;
    http_form_field fields[ARRAY_LEN(asked)];
    http_form_fault fault;
    bool good;
} formed;

static void form_read(formed *f, span type, span body) {
    *f = (formed){.copy = malloc(body.len ? body.len : 1)};
    memcpy(f->copy, body.ptr, body.len);
    f->body = span_from(f->copy, body.len);
    arena_init(&f->arena, 0);
    f->good = http_form_read(type, f->body, asked, ARRAY_LEN(asked), &f->arena, &f->form, f->fields,
                             &f->fault);
}

static void form_done(formed *f) {
    arena_done(&f->arena);
    free(f->copy);
}

#define TYPE     SPAN_OF("multipart/form-data; boundary=b")
#define PAIRS    SPAN_OF("application/x-www-form-urlencoded")
#define FIELD(d) "--b\r\nContent-Disposition: " d "\r\n\r\n"
#define MODEL    FIELD("form-data; name=\"model\"") "m\r\n"

/* curl, httpx and openai-python, undici (Node), Go, .NET's MultipartFormDataContent, Apache's
 * HttpClient. */
static void as_clients_write_it(void **state) {
    (void)state;
    static const struct {
        const char *type, *body, *model, *stream;
    } rows[] = {
        {"multipart/form-data; boundary=------------------------d74496d66958873e",
         "--------------------------d74496d66958873e\r\n"
         "Content-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n"
         "Content-Type: audio/mpeg\r\n\r\n\1\2\r\n--x\n\r\n"
         "--------------------------d74496d66958873e\r\n"
         "Content-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n"
         "--------------------------d74496d66958873e--\r\n",
         "whisper-1", NULL},
        {"multipart/form-data; boundary=9f4a",
         "--9f4a\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
         "--9f4a\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n"
         "--9f4a\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22b\\\\.mp3\"\r\n"
         "Content-Type: application/octet-stream\r\n\r\n\r\n--9f4a--\r\n",
         "m", "true"},
        {"multipart/form-data; boundary=----formdata-undici-0123",
         "------formdata-undici-0123\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
         "------formdata-undici-0123--",
         "m", NULL},
        {"multipart/form-data; boundary=c1",
         "--c1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--c1--\r\n", "m",
         NULL},
        {"multipart/form-data; boundary=\"8d-4\"",
         "--8d-4\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Disposition: form-data; name=model\r\n\r\nm\r\n"
         "--8d-4\r\nContent-Disposition: form-data; name=file; filename=a.mp3; "
         "filename*=utf-8''a%20b.mp3\r\n\r\nx\r\n--8d-4--\r\n",
         "m", NULL},
        {"multipart/form-data; boundary=k_1; charset=UTF-8",
         "--k_1\r\nContent-Disposition: form-data; name=\"model\"\r\n"
         "Content-Type: text/plain; charset=US-ASCII\r\nContent-Transfer-Encoding: 8bit\r\n\r\nm"
         "\r\n--k_1--\r\n",
         "m", NULL},
        {"Multipart/Form-Data;Boundary=b",
         "\r\n--b\r\ncontent-disposition:FORM-DATA;NAME=model\r\n"
         "\r\nm\r\n--b--\r\n\r\n",
         "m", NULL},
        {"multipart/form-data; boundary=b", "--b--", NULL, NULL},
        {"multipart/form-data; boundary=b", "--b\r\n\r\nno head\r\n--b--", NULL, NULL},
        {"multipart/mixed; boundary=b", "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--", NULL, NULL},
        {"multipart/form-data; boundary=b", FIELD("form-data; name=\"model\"") "\r\n--b--", "",
         NULL},
        {"multipart/form-data; boundary=b",
         FIELD("form-data; name=\"image[]\"") "x\r\n" MODEL "--b--", "m", NULL},
        {"application/x-www-form-urlencoded", "a=b&model=gpt%2D4+x&stream=true", "gpt-4 x", "true"},
        {"application/x-www-form-urlencoded; charset=UTF-8", "mode%6C=m%25&&=%&model_x=\xff&a;b=c",
         "m%", NULL},
        {"application/x-www-form-urlencoded", "models=x&mode=y&model=", "", NULL},
        {"application/x-www-form-urlencoded", "{\"model\":\"m\"}", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        formed f;
        const char *const want[] = {rows[i].model, rows[i].stream};
        form_read(&f, span_cstr(rows[i].type), span_cstr(rows[i].body));
        if (!f.good) fail_msg("%s: %s, at %zu", rows[i].body, f.fault.what, f.fault.offset);
        for (size_t k = 0; k < ARRAY_LEN(asked); k++) {
            assert_int_equal(f.fields[k].raw.ptr != NULL, want[k] != NULL);
            if (want[k]) assert_span(f.fields[k].text, want[k]);
        }
        form_done(&f);
    }
}

static void what_readers_take_for_different_things(void **state) {
    (void)state;
    static const struct {
        const char *body, *what;
        size_t offset;
    } rows[] = {
        {MODEL MODEL "--b--", "a field comes twice", 109},
        {"x\r\n" MODEL "--b--", "it does not begin with its boundary", 0},
        {"\n" MODEL "--b--", "it does not begin with its boundary", 0},
        {MODEL, "it does not end with its boundary", 56},
        {MODEL "--b-", "a boundary does not end its line", 59},
        {MODEL "--b", "a boundary does not end its line", 59},
        {MODEL "--b \r\n\r\n\r\n--b--", "a boundary does not end its line", 59},
        {MODEL "--b--\r\nx", "something follows its last boundary", 63},
        {FIELD("form-data; name=x") "a--b\r\n\r\n\r\n--b--", "a boundary does not begin its line",
         48},
        {FIELD("form-data; name=x") "a\n--b\r\n\r\n\r\n--b--", "a boundary does not begin its line",
         49},
        {FIELD("form-data; name=x") "a\r\n--bar\r\n--b--", "a boundary does not end its line", 53},
        {"--b\r\n--b--", "a boundary does not begin its line", 5},
        {"--b\r\nContent-Disposition: form-data; name=model\r\n--b--",
         "a part has no blank line behind its header", 5},
        {"--b\r\nContent-Disposition: form-data; name=model\r\n\r\n--b--",
         "a part has no blank line behind its header", 5},
        {"--b\r\nContent-Disposition: form-data;\r\n name=model\r\n\r\n\r\n--b--",
         "a line of a part's header is none", 38},
        {"--b\r\nX: \n\r\n\r\n\r\n--b--", "a line of a part's header is none", 5},
        {"--b\r\nContent-Disposition : form-data; name=model\r\n\r\n\r\n--b--",
         "a line of a part's header is none", 5},
        {"--b\r\nContent-Disposition: form-data\r\nContent-disposition: form-data; "
         "name=model\r\n\r\n"
         "\r\n--b--",
         "a line of a part's header comes twice", 37},
        {FIELD("form-data; name=x; name=model") "m\r\n--b--", "a part has two names", 45},
        {FIELD("form-data; name*=utf-8''model") "m\r\n--b--",
         "not every reader takes a part's name for the same", 37},
        {FIELD("form-data; name*0=mo; name*1=del") "m\r\n--b--",
         "not every reader takes a part's name for the same", 37},
        {FIELD("form-data; name=\"mo\\del\"") "m\r\n--b--",
         "not every reader takes a part's name for the same", 37},
        {FIELD("form-data; filename=\"a\\\"; name=model; x=\"") "m\r\n--b--",
         "not every reader takes a part's Content-Disposition for the same", 26},
        {FIELD("form-data; name=\"model") "m\r\n--b--",
         "not every reader takes a part's Content-Disposition for the same", 26},
        {FIELD("form-data name=model") "m\r\n--b--",
         "not every reader takes a part's Content-Disposition for the same", 26},
        {FIELD("; name=model") "m\r\n--b--",
         "not every reader takes a part's Content-Disposition for the same", 26},
        {FIELD("attachment; name=model") "m\r\n--b--", "a part with a name is not called form-data",
         26},
        {FIELD("form-data; name=\" model\"") "m\r\n--b--",
         "a field has a name that some readers take for another", 54},
        {FIELD("form-data; name=\"model\t\"") "m\r\n--b--",
         "a field has a name that some readers take for another", 54},
        {FIELD("form-data; name=\"\xef\xbb\xbfmodel\"") "m\r\n--b--",
         "a field has a name that some readers take for another", 56},
        {FIELD("form-data; name=\"model[0]\"") "m\r\n--b--",
         "a field has a name that some readers take for another", 56},
        {FIELD("form-data; name=\"/model\"") "m\r\n--b--",
         "a field has a name that some readers take for another", 54},
        {FIELD("form-data; name=Model") "m\r\n--b--",
         "a field has a name that some readers take for another", 51},
        {FIELD("form-data; x-name=model") "m\r\n--b--",
         "not every reader takes a part's name for the same", 37},
        {FIELD("form-data; filename=\"; name=model; y=z\"") "m\r\n--b--",
         "not every reader takes a part's name for the same", 37},
        {FIELD("form-data; name=_charset_") "utf-7\r\n--b--", "it names the charset of its fields",
         5},
        {FIELD("form-data; name=model; filename=x") "m\r\n--b--",
         "a field that is a text comes as a file", 5},
        {FIELD("form-data; name=model\r\nContent-Transfer-Encoding: base64") "bQ==\r\n--b--",
         "a field that is a text is encoded", 5},
        {FIELD("form-data; name=model\r\nContent-Type: text/plain; charset=utf-16") "m\r\n--b--",
         "a field that is a text is encoded", 5},
        {FIELD("form-data; name=model\r\nContent-Type: application/json") "m\r\n--b--",
         "a field that is a text is encoded", 5},
        {FIELD("form-data; name=model;") "m\r\n--b--",
         "not every reader takes a part's Content-Disposition for the same", 26},
        {FIELD("form-data; name=model\r\nContent-Type: a/b; charset*=utf-8") "m\r\n--b--",
         "a field that is a text is encoded", 5},
        {FIELD("form-data; name=model") "m\n\r\n--b--",
         "a field has control characters, or bytes that are no UTF-8", 51},
        {FIELD("form-data; name=model") "\xff\r\n--b--",
         "a field has control characters, or bytes that are no UTF-8", 51},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        formed f;
        form_read(&f, TYPE, span_cstr(rows[i].body));
        if (f.good) fail_msg("%s is a form", rows[i].body);
        if (strcmp(f.fault.what, rows[i].what) != 0 || f.fault.offset != rows[i].offset)
            fail_msg("%s\n%s, at %zu", rows[i].body, f.fault.what, f.fault.offset);
        form_done(&f);
    }
}

static void types_that_readers_take_for_different_things(void **state) {
    (void)state;
    static const struct {
        const char *type, *what;
    } rows[] = {
        {"multipart/form-data", "its Content-Type has no boundary"},
        {"multipart/form-data; charset=utf-8", "its Content-Type has no boundary"},
        {"multipart/form-data; boundary=b; boundary=b", "its Content-Type has two boundaries"},
        {"multipart/form-data; boundary=\"b \"", "the boundary in its Content-Type is none"},
        {"multipart/form-data; boundary=\"b\\c\"", "the boundary in its Content-Type is none"},
        {"multipart/form-data; boundary=b; charset=utf-7", "its charset is not UTF-8"},
        {"multipart/form-data; boundary=\" b\"", "the boundary in its Content-Type is none"},
        {"multipart/form-data; xboundary=c; boundary=b", NULL},
        {"multipart/form-data; boundary=b; x=\"; boundary=c\"", NULL},
        {"multipart/mixed; boundary=b", "it has fields, and is no multipart/form-data"},
        {"multipart/form-data; boundary*=b", NULL},
        {"multipart/form-data; boundary=b; charset*0=utf; charset*1=-7", NULL},
        {"multipart/form-data, text/plain; boundary=b", NULL},
        {"application/json, multipart/form-data; boundary=b", NULL},
        {"multipart/form-data; boundary=b; x", NULL},
        {"multipart/form-data; boundary=b c", NULL},
        {"multipart/form-data; boundary=b;", NULL},
        {"multipart/; boundary=b", NULL},
        {"x/form-urlencoded", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        formed f;
        assert_true(http_form_kind_of(span_cstr(rows[i].type)) != HTTP_FORM_NONE);
        form_read(&f, span_cstr(rows[i].type), SPAN_OF(MODEL "--b--"));
        if (f.good) fail_msg("%s is a form", rows[i].type);
        assert_string_equal(f.fault.what,
                            rows[i].what ? rows[i].what
                                         : "not every reader takes its Content-Type for the same");
        assert_int_equal(f.fault.offset, strstr(rows[i].type, "mixed") ? 5 : 0);
        form_done(&f);
    }
    static const char *const others[] = {"", "application/json", "audio/mpeg", "text/plain"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(http_form_kind_of(span_cstr(others[i])), HTTP_FORM_NONE);
}

static void pairs_that_readers_take_for_different_things(void **state) {
    (void)state;
    static const struct {
        const char *body, *what;
    } rows[] = {
        {"model=a&model=b", "a field comes twice"},
        {"model=a&%6dodel=b", "a field comes twice"},
        {"a=b;model=a", "a ';' stands beside a field"},
        {"model=a;b", "a ';' stands beside a field"},
        {"models=x&mode=y&model", "a field has a name alone"},
        {"+model=a", "a field has a name that some readers take for another"},
        {"%20%0amodel=a", "a field has a name that some readers take for another"},
        {"model%00x=a", "a field has a name that some readers take for another"},
        {"?model=a", "a field has a name that some readers take for another"},
        {"\xef\xbb\xbfmodel=a", "a field has a name that some readers take for another"},
        {"a=b&MODEL=a", "a field has a name that some readers take for another"},
        {"a=b&model[]=a", "a field has a name that some readers take for another"},
        {"model=m]=x", "a field has bytes that are to be escaped"},
        {"model=m%", "a field has bytes that are to be escaped"},
        {"model=%4x", "a field has bytes that are to be escaped"},
        {"model=m\xc3\xbc", "a field has bytes that are to be escaped"},
        {"_charset_=utf-7", "it names the charset of its fields"},
        {"model=a%0a", "a field has control characters, or bytes that are no UTF-8"},
        {"model=%ff", "a field has control characters, or bytes that are no UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        formed f;
        form_read(&f, PAIRS, span_cstr(rows[i].body));
        if (f.good) fail_msg("%s is a form", rows[i].body);
        assert_string_equal(f.fault.what, rows[i].what);
        form_done(&f);
    }
}

/* It is not copied to be read. */
static void what_is_long_is_no_word(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    formed f;
    buf_add_cstr(&body, "other=");
    for (int i = 0; i < 20000; i++)
        buf_add_cstr(&body, "+");
    form_read(&f, PAIRS, buf_span(&body));
    assert_true(f.good);
    form_done(&f);
    buf_add_cstr(&body, "&model=");
    for (int i = 0; i < 20000; i++)
        buf_add_cstr(&body, "+");
    form_read(&f, PAIRS, buf_span(&body));
    assert_false(f.good);
    assert_string_equal(f.fault.what, "a field that is a word has more than 16 KiB");
    form_done(&f);
    buf_done(&body);
}

/* Cut anywhere it is none. */
static void a_part_of_a_form_is_no_form(void **state) {
    (void)state;
    const span body =
        SPAN_OF(FIELD("form-data; name=\"file\"; filename=\"a\"") "x\r\n" MODEL "--b--");
    for (size_t len = 0; len < body.len; len++) {
        formed f;
        form_read(&f, TYPE, span_slice(body, 0, len));
        assert_false(f.good);
        assert_true(f.fault.offset <= len);
        form_done(&f);
    }
}

/* In the place of a value, or as a field that was not there. */
static void writes_what_it_reads(void **state) {
    (void)state;
    static const struct {
        span type, body, text;
        const char *changed, *added;
        bool takes;
    } rows[] = {
        {SPAN("multipart/form-data; boundary=b"), SPAN("\r\n" MODEL "--b--"), SPAN("a&b \xc3\xbc"),
         "\r\n" FIELD("form-data; name=\"model\"") "a&b \xc3\xbc\r\n--b--",
         "\r\n" FIELD("form-data; name=\"x\"") "a&b \xc3\xbc\r\n" MODEL "--b--", true},
        {SPAN("multipart/form-data; boundary=b"), SPAN(MODEL "--b--"), SPAN("a\r\n"), NULL, NULL,
         false},
        {SPAN("multipart/form-data; boundary=b"), SPAN(MODEL "--b--"), SPAN("a--b"), NULL, NULL,
         false},
        {SPAN("application/x-www-form-urlencoded"), SPAN("y=z&model=m"), SPAN("a&b =\n\xc3\xbc~"),
         "y=z&model=a%26b%20%3D%0A%C3%BC%7E", "x=a%26b%20%3D%0A%C3%BC%7E&y=z&model=m", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        formed f;
        form_read(&f, rows[i].type, rows[i].body);
        assert_true(f.good);
        assert_int_equal(http_form_takes(&f.form, rows[i].text), rows[i].takes);
        if (rows[i].takes) {
            const span raw = f.fields[0].raw;
            const size_t from = (size_t)(raw.ptr - f.body.ptr);
            buf out = BUF_EMPTY;
            buf_add(&out, span_slice(f.body, 0, from));
            http_form_put_value(&f.form, rows[i].text, &out);
            buf_add(&out, span_slice(f.body, from + raw.len, f.body.len));
            assert_span(buf_span(&out), rows[i].changed);
            buf_clear(&out);
            buf_add(&out, span_slice(f.body, 0, f.form.begins));
            http_form_put_field(&f.form, SPAN_OF("x"), rows[i].text, &out);
            buf_add(&out, span_slice(f.body, f.form.begins, f.body.len));
            assert_span(buf_span(&out), rows[i].added);
            buf_done(&out);
        }
        form_done(&f);
    }
}

/* What it takes to read one stays in proportion, however odd it is. */
static void a_large_one_is_read_once(void **state) {
    (void)state;
    enum { MANY = 100000 };
    buf body = BUF_EMPTY;
    for (int i = 0; i < MANY; i++)
        buf_add_cstr(&body, "%&+mode%");
    formed f;
    form_read(&f, PAIRS, buf_span(&body));
    assert_true(f.good && !f.fields[0].raw.ptr);
    form_done(&f);
    buf_clear(&body);
    for (int i = 0; i < MANY; i++)
        buf_add_cstr(&body, "--b\r\n\r\n\r\n");
    buf_add_cstr(&body, "--b--");
    form_read(&f, TYPE, buf_span(&body));
    assert_true(f.good);
    form_done(&f);
    buf_clear(&body);
    buf_add_cstr(&body, "--b\r\nContent-Disposition: form-data; name=");
    for (int i = 0; i < MANY; i++)
        buf_add_char(&body, 'x');
    buf_add_cstr(&body, "\r\n\r\n\r\n--b--");
    form_read(&f, TYPE, buf_span(&body));
    assert_string_equal(f.fault.what, "a part's header is too large");
    form_done(&f);
    buf_done(&body);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(as_clients_write_it),
        cmocka_unit_test(what_readers_take_for_different_things),
        cmocka_unit_test(types_that_readers_take_for_different_things),
        cmocka_unit_test(pairs_that_readers_take_for_different_things),
        cmocka_unit_test(a_part_of_a_form_is_no_form),
        cmocka_unit_test(what_is_long_is_no_word),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(a_large_one_is_read_once),
    };
    return run_watched(tests);
}
