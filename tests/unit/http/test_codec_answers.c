#include "unit.h"

#include "codec_log.h"

#include <stdio.h>

typedef struct row {
    const char *name;
    const char *bytes;
    const char *want; /* a part of the log when fed whole and then closed */
} row;

#define HEAD  "HTTP/1.1 200 OK\r\n"
#define BAD   "bad="
#define ALIVE "alive=1 "
#define DEAD  "alive=0 "
#define HOPS  "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p"

static const row legal[] = {
    {"length", HEAD "Content-Length: 2\r\n\r\nok", ALIVE "body=1 chunked=0 close=0 length=2"},
    {"length-zero", HEAD "Content-Length: 0\r\n\r\n", ALIVE "body=0 chunked=0 close=0 length=0"},
    {"chunked", HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "end=ok\neof=1"},
    {"chunked-other-case", HEAD "Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
     "end=ok\n"},
    {"until-close", HEAD "Server: x\r\n\r\nok", DEAD "body=1 chunked=0 close=1 length=-1"},
    {"until-close-body", HEAD "Server: x\r\n\r\nok", "end=ok\neof=1"},
    {"until-close-empty", HEAD "Server: x\r\n\r\n", "end=\neof=1"},
    {"no-headers", HEAD "\r\nok", "end=ok\neof=1"},
    {"no-reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "status=200"},
    {"blank-for-reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "status=200"},
    {"long-reason", "HTTP/1.1 529 Site is Overloaded\r\nContent-Length: 0\r\n\r\n",
     "reason=Site is Overloaded\n"},
    {"odd-status", "HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", "status=999"},
    {"close", HEAD "Connection: close\r\nContent-Length: 0\r\n\r\n", DEAD},
    {"close-in-list", HEAD "Connection: x, Close\r\nContent-Length: 0\r\n\r\n", DEAD},
    {"close-wins", HEAD "Connection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
     DEAD},
    {"names-in-connection",
     HEAD "Connection: " HOPS "\r\nX: y\r\nConnection: " HOPS "\r\nContent-Length: 0\r\n\r\n",
     ALIVE},
    {"http10", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "minor=0 status=200 " DEAD},
    {"http10-alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
     ALIVE},
    {"no-content", "HTTP/1.1 204 No Content\r\n\r\n", ALIVE "body=0"},
    {"no-content-with-body", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", DEAD "body=0"},
    {"not-modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", ALIVE "body=0"},
    {"leading-zeros", HEAD "Content-Length: 002\r\n\r\nok", "end=ok\n"},
    {"upgrade-offered", HEAD "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok",
     "end=ok\n"},
    {"two-authorizations", HEAD "Authorization: a\r\nAuthorization: b\r\nContent-Length: 0\r\n\r\n",
     "status=200"},
    {"several-cookies", HEAD "Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
     "Set-Cookie=b\n"},
};

static const row refused[] = {
    {"length-and-coding",
     HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", BAD},
    {"two-lengths", HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", BAD},
    {"same-length-twice", HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", BAD},
    {"length-sign", HEAD "Content-Length: +2\r\n\r\nok", BAD},
    {"coding-unknown", HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", BAD},
    {"coding-twice", HEAD "Transfer-Encoding: Chunked, chunked\r\n\r\n", BAD},
    {"coding-http10", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", BAD},
    {"bare-lf", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", BAD},
    {"fold", HEAD "X: a\r\n b\r\n\r\n", BAD},
    {"blank-before-colon", HEAD "X : a\r\n\r\n", BAD},
    {"control", HEAD "X: a\x01\r\n\r\n", BAD},
    {"leading-line", "\r\n" HEAD "\r\n", BAD},
    {"version", "HTTP/2.0 200 OK\r\n\r\n", BAD},
    {"version-0.9", "hello\r\n\r\n", BAD},
    {"other-protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", BAD},
    {"status-short", "HTTP/1.1 20 OK\r\n\r\n", BAD},
    {"status-long", "HTTP/1.1 2000 OK\r\n\r\n", BAD},
    {"status-low", "HTTP/1.1 099 OK\r\n\r\n", BAD},
    {"status-letters", "HTTP/1.1 2x0 OK\r\n\r\n", BAD},
    {"too-many-names-in-connection",
     HEAD "Connection: " HOPS "\r\nConnection: " HOPS ",q\r\nContent-Length: 0\r\n\r\n", BAD},
    {"switching", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
     BAD},
    {"chunk-junk", HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", BAD},
    {"cut-head", "HTTP/1.1 200 OK\r\nContent-Le", "eof=0"},
    {"cut-body", HEAD "Content-Length: 3\r\n\r\nok", "eof=0"},
    {"cut-chunk", HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nok", "eof=0"},
    {"cut-before-last-chunk", HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "eof=0"},
    {"cut-in-trailers", HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n", "eof=0"},
};

static void check(const row *r) {
    span bytes = span_cstr(r->bytes);
    char *whole = log_of(HTTP_CODEC_RESPONSE, bytes, CUT_NONE, false, NULL);
    if (!strstr(whole, r->want)) fail_msg("%s: no \"%s\" in\n%s", r->name, r->want, whole);
    for (int cut = CUT_EVERYWHERE; cut <= (int)bytes.len; cut++) {
        char *pieces = log_of(HTTP_CODEC_RESPONSE, bytes, cut, cut % 2, NULL);
        if (strcmp(whole, pieces) != 0) fail_msg("%s cut at %d:\n%s", r->name, cut, pieces);
        free(pieces);
    }
    free(whole);
}

static void answers(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(legal); i++) {
        check(&legal[i]);
        char *log = log_of(HTTP_CODEC_RESPONSE, span_cstr(legal[i].bytes), CUT_NONE, false, NULL);
        if (strstr(log, BAD) || !strstr(log, "eof=1")) fail_msg("%s: %s", legal[i].name, log);
        free(log);
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        check(&refused[i]);
}

static void answers_to_head_have_no_body(void **state) {
    (void)state;
    codec_log l;
    log_open(&l, HTTP_CODEC_RESPONSE, NULL);
    http_codec_expect_head_answer(l.codec);
    log_feed(&l, SPAN_OF("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"));
    log_feed(&l, SPAN_OF(HEAD "Content-Length: 5\r\n\r\n"));
    assert_int_equal(l.ends, 2);
    log_feed(&l, SPAN_OF(HEAD "Content-Length: 5\r\n\r\nhello"));
    assert_int_equal(l.ends, 3);
    assert_true(span_ends(buf_span(&l.text), SPAN_OF("end=hello\n")));
    log_close(&l);
}

static void several_answers_in_one_piece(void **state) {
    (void)state;
    codec_log l;
    log_open(&l, HTTP_CODEC_RESPONSE, NULL);
    log_feed(&l, SPAN_OF("HTTP/1.1 100 Continue\r\n\r\n" HEAD "Content-Length: 1\r\n\r\na" HEAD
                         "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n"));
    assert_int_equal(l.heads, 3);
    assert_int_equal(l.ends, 3);
    assert_false(http_codec_in_message(l.codec));
    log_close(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(answers_to_head_have_no_body),
        cmocka_unit_test(several_answers_in_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
