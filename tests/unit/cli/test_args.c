/* cli/args, cli/values: one command line at a time before a command that has every kind of option.
 */
#include "cli/cli.h"
#include "unit.h"

#include <unistd.h>

enum {
    OPT_QUIET,
    OPT_LOUD,
    OPT_FILE,
    OPT_OUT,
    OPT_COUNT,
    OPT_HEAT,
    OPT_FORMAT,
    OPT_SYSTEM,
    OPT_ADDRESS,
    OPT_URL,
    OPT_CA,
    OPT_TAG
};

static const char *const formats[] = {"text", "json", NULL};

static const cli_option options[] = {
    {'q', "quiet", NULL, ""},
    {'l', "loud", NULL, ""},
    {'f', "file", "FILE", "", .kind = CLI_FILE, .repeatable = true},
    {'o', "out", "DIR", "", .kind = CLI_FILE},
    {'n', "count", "N", "", .kind = CLI_COUNT, .min = 1, .max = 100000, .unit = "calls"},
    {0, "heat", "T", "", .kind = CLI_NUMBER, .min = 0, .max = 2},
    {0, "format", "FORM", "", .kind = CLI_CHOICE, .choices = formats},
    {0, "system", "TEXT", ""},
    {'a', "address", "ADDRESS", "", .kind = CLI_ADDRESS},
    {0, "url", "URL", "", .kind = CLI_URL, .excludes = "address"},
    {0, "ca", "FILE", "", .kind = CLI_FILE, .https_of = "url"},
    {0, "tag", "TEXT", "", .once = true},
};

static const cli_command any = {
    .name = "try",
    .operands = {"[FILE]…", CLI_FILE},
    .options = options,
    .option_count = ARRAY_LEN(options),
};
static const cli_command none = {
    .name = "bare", .options = options, .option_count = ARRAY_LEN(options)};
static const cli_command pair = {
    .name = "pair",
    .operands = {"FORM [FORM]", CLI_CHOICE, formats, .min = 1, .max = 2},
};

/* ---- the harness: a line as a shell would cut it, and what is said on stderr ---- */

static cli_args args;
static char line[512], said[1024];
static char *words[32];

static cli_parsed parse(const cli_command *command, const char *text) {
    int argc = 0;
    snprintf(line, sizeof line, "%s", text);
    char *rest = line;
    for (char *word; (word = strsep(&rest, " "));)
        words[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
    words[argc] = NULL;

    FILE *f = tmpfile();
    int before = dup(STDERR_FILENO);
    assert_non_null(f);
    dup2(fileno(f), STDERR_FILENO);
    cli_args_done(&args);
    cli_parsed parsed = cli_parse(command, argc, words, &args);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(f);
    said[fread(said, 1, sizeof said - 1, f)] = '\0';
    fclose(f);
    return parsed;
}

static void good(const char *text) {
    cli_parsed parsed = parse(&any, text);
    assert_string_equal(said, "");
    assert_int_equal(parsed, CLI_PARSED);
}

static void bad(const cli_command *command, const char *text, const char *message) {
    assert_int_equal(parse(command, text), CLI_PARSED_BADLY);
    assert_string_equal(said, message);
}

static void assert_rest(const char *joined) {
    buf all = BUF_EMPTY;
    for (size_t i = 0; i < args.rest_count; i++)
        buf_addf(&all, "%s%s", i ? " " : "", args.rest[i]);
    assert_string_equal(buf_cstr(&all), joined);
    buf_done(&all);
}

static int tear_down(void **state) {
    (void)state;
    cli_args_done(&args);
    unsetenv("POSIXLY_CORRECT");
    return 0;
}

/* ---- tests ---- */

static void nothing_given_is_nothing(void **state) {
    (void)state;
    good("try");
    for (size_t i = 0; i < any.option_count; i++) {
        assert_null(args.values[i]);
        assert_null(cli_value(&args, i, 0));
    }
    assert_int_equal(args.rest_count, 0);
    assert_int_equal(cli_count(&args, OPT_COUNT, 5), 5);
    assert_true(cli_number(&args, OPT_HEAT, 0.7) == 0.7);
}

static void options_and_operands_come_in_any_order(void **state) {
    (void)state;
    static const char *const lines[] = {
        "try -q -n 7 --system=be one two",
        "try one -q --count=7 two --system be",
        "try one two -n7 --system be --quiet",
        "try one -qn7 --system be -- two",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        good(lines[i]);
        assert_string_equal(args.values[OPT_QUIET], "");
        assert_null(args.values[OPT_LOUD]);
        assert_string_equal(args.values[OPT_SYSTEM], "be");
        assert_int_equal(cli_count(&args, OPT_COUNT, 5), 7);
        assert_rest("one two");
    }
}

static void two_dashes_end_the_options(void **state) {
    (void)state;
    good("try -q -- -l --frob --help -- one");
    assert_non_null(args.values[OPT_QUIET]);
    assert_null(args.values[OPT_LOUD]);
    assert_rest("-l --frob --help -- one");
}

static void one_dash_is_an_operand(void **state) {
    (void)state;
    good("try - -q -o -");
    assert_rest("-");
    assert_non_null(args.values[OPT_QUIET]);
    assert_string_equal(args.values[OPT_OUT], "-");
}

static void posix_order_is_kept_where_it_is_asked_for(void **state) {
    (void)state;
    setenv("POSIXLY_CORRECT", "1", 1);
    good("try -q one -l");
    assert_null(args.values[OPT_LOUD]);
    assert_rest("one -l");
}

static void switches_may_stand_together(void **state) {
    (void)state;
    good("try -qlfa.txt");
    assert_non_null(args.values[OPT_QUIET]);
    assert_non_null(args.values[OPT_LOUD]);
    assert_string_equal(cli_value(&args, OPT_FILE, 0), "a.txt");
}

static void texts_are_utf8_and_paths_are_not_asked(void **state) {
    (void)state;
    bad(&any, "try --system be\xff", "weir: try: --system is no UTF-8\n");
    good("try --system b\xc3\xa9 --file \xff");
}

static void repeatable_options_keep_every_value(void **state) {
    (void)state;
    good("try --file a -n 1 x --file=b -fc -n 2 --system s --system t");
    assert_string_equal(cli_value(&args, OPT_FILE, 0), "a");
    assert_string_equal(cli_value(&args, OPT_FILE, 1), "b");
    assert_string_equal(cli_value(&args, OPT_FILE, 2), "c");
    assert_null(cli_value(&args, OPT_FILE, 3));
    assert_null(cli_value(&args, OPT_SYSTEM, 0));
    assert_int_equal(cli_count(&args, OPT_COUNT, 0), 2); /* of the others the last counts */
    assert_string_equal(args.values[OPT_SYSTEM], "t");
    assert_rest("x");
}

static void numbers_have_bounds(void **state) {
    (void)state;
    static const char *const counts[] = {
        "0", "100001", "-1", "+1", "1.0", "1e3", "0x1", "seven", "", "inf", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        char text[64], message[256];
        snprintf(text, sizeof text, "try --count=%s", counts[i]);
        snprintf(message, sizeof message,
                 "weir: try: --count is '%s'; allowed: a whole number from 1 to 100000 calls\n",
                 counts[i]);
        bad(&any, text, message);
    }
    good("try -n 1");
    good("try -n 100000");
    good("try -n 007");
    assert_int_equal(cli_count(&args, OPT_COUNT, 0), 7);
    static const char *const numbers[] = {"2.1", "-0.1", ".", "1.2.3", "1e0", "nan", "0x1p1"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char text[64], message[256];
        snprintf(text, sizeof text, "try --heat=%s", numbers[i]);
        snprintf(message, sizeof message,
                 "weir: try: --heat is '%s'; allowed: a number from 0 to 2\n", numbers[i]);
        bad(&any, text, message);
    }
    good("try --heat 0.25");
    assert_true(cli_number(&args, OPT_HEAT, 1) == 0.25);
    good("try --heat 2");
    assert_true(cli_number(&args, OPT_HEAT, 1) == 2);
    good("try --heat 2.");
    good("try --heat .5");
    assert_true(cli_number(&args, OPT_HEAT, 1) == 0.5);
}

static void words_are_those_of_the_table(void **state) {
    (void)state;
    good("try --format json");
    assert_string_equal(args.values[OPT_FORMAT], "json");
    bad(&any, "try --format jso", "weir: try: --format is 'jso'; allowed: text, json\n");
    bad(&any, "try --format ''", "weir: try: --format is ''; allowed: text, json\n");
}

static void paths_are_not_empty(void **state) {
    (void)state;
    bad(&any, "try -f ''", "weir: try: --file is empty; a path is needed\n");
    bad(&any, "try --out=", "weir: try: --out is empty; a path is needed\n");
    bad(&any, "try one ''", "weir: try: [FILE]… is empty; a path is needed\n");
    good("try --system="); /* a text may be */
    assert_string_equal(args.values[OPT_SYSTEM], "");
}

static void addresses_are_those_of_listeners(void **state) {
    (void)state;
    good("try -a 127.0.0.1:0");
    good("try -a [::1]:8080");
    good("try -a unix:/run/x.sock");
    bad(&any, "try -a nowhere",
        "weir: try: --address is 'nowhere': there is no port; allowed: an address such as "
        "127.0.0.1:8080, [::1]:0 or unix:/run/weir.sock\n");
    assert_int_equal(parse(&any, "try -a unix:relative"), CLI_PARSED_BADLY);
}

static void urls_are_those_of_the_configuration(void **state) {
    (void)state;
    good("try --url http://127.0.0.1:8080/v1");
    good("try --url https://api.openai.com/v1/");
    assert_string_equal(args.values[OPT_URL], "https://api.openai.com/v1/");
    bad(&any, "try --url api.openai.com",
        "weir: try: --url is 'api.openai.com': a URL begins with https://, http:// or unix:/; "
        "allowed: a base URL such as https://api.openai.com/v1\n");
    bad(&any, "try --url https://me:secret@a/v1",
        "weir: try: --url is '(hidden)': a URL must not hold a user name or password; "
        "allowed: a base URL such as https://api.openai.com/v1\n");
    assert_int_equal(parse(&any, "try --url https://a/../b"), CLI_PARSED_BADLY);
    bad(&any, "try --url https://a/v1/chat/completions",
        "weir: try: --url is 'https://a/v1/chat/completions': it ends in /chat/completions, which "
        "weir adds itself; allowed: a base URL such as https://api.openai.com/v1\n");
}

static void some_options_exclude_each_other(void **state) {
    (void)state;
    bad(&any, "try --url http://a --address a:1",
        "weir: try: --url and --address exclude each other; give one of them\n");
    bad(&any, "try --address a:1 --url http://a",
        "weir: try: --url and --address exclude each other; give one of them\n");
}

static void some_options_mean_nothing_without_another(void **state) {
    (void)state;
    good("try --ca x --url https://a");
    good("try --url https://a --ca x");
    good("try --url HTTPS://a --ca x");
    bad(&any, "try --ca x", "weir: try: --ca is for an https address, which --url says\n");
    bad(&any, "try --ca x --url http://a",
        "weir: try: --ca is for an https address, which --url says\n");
}

static void some_options_are_given_once(void **state) {
    (void)state;
    good("try --tag a=b");
    bad(&any, "try --tag a=b --tag c=d", "weir: try: --tag is given twice; one is taken\n");
}

static void operands_are_counted(void **state) {
    (void)state;
    bad(&none, "bare -q one",
        "weir: bare: takes no arguments, but was given 'one'; see weir bare --help\n");
    bad(&pair, "pair", "weir: pair: FORM [FORM] is missing; usage: weir pair FORM [FORM]\n");
    bad(&pair, "pair text json text",
        "weir: pair: 'text' is one too many; usage: weir pair FORM [FORM]\n");
    bad(&pair, "pair text xml", "weir: pair: FORM [FORM] is 'xml'; allowed: text, json\n");
    assert_int_equal(parse(&pair, "pair json"), CLI_PARSED);
    assert_int_equal(parse(&pair, "pair json text"), CLI_PARSED);
}

static void unknown_options_are_told(void **state) {
    (void)state;
    bad(&any, "try --qiet", "weir: try: unknown option --qiet; did you mean --quiet?\n");
    bad(&any, "try --hlep", "weir: try: unknown option --hlep; did you mean --help?\n");
    bad(&any, "try --fromat=json", "weir: try: unknown option --fromat; did you mean --format?\n");
    bad(&any, "try --frobnicate", "weir: try: unknown option --frobnicate; see weir try --help\n");
    bad(&any, "try -x", "weir: try: unknown option -x; see weir try --help\n");
    bad(&any, "try -qx", "weir: try: unknown option -x; see weir try --help\n");
    bad(&any, "try --fo\033[2Jx", "weir: try: unknown option --fo?[2Jx; see weir try --help\n");
    bad(&any,
        "try --\xc2\x9b"
        "31m",
        "weir: try: unknown option --??31m; see weir try --help\n");
}

static void values_are_told_where_they_miss_or_are_too_many(void **state) {
    (void)state;
    bad(&any, "try --file", "weir: try: --file needs a value: --file FILE\n");
    bad(&any, "try one -qf", "weir: try: --file needs a value: --file FILE\n");
    bad(&any, "try --quiet=yes", "weir: try: --quiet takes no value\n");
    bad(&any, "try --help=yes", "weir: try: --help takes no value\n");
}

static void beginnings_of_names_will_do(void **state) {
    (void)state;
    good("try --qu --sys=be");
    assert_non_null(args.values[OPT_QUIET]);
    assert_string_equal(args.values[OPT_SYSTEM], "be");
    bad(&any, "try --f=x", "weir: try: --f may be any of --file, --format\n");
    bad(&any, "try --h", "weir: try: --h may be any of --heat, --help\n");
}

static void help_is_found_anywhere(void **state) {
    (void)state;
    static const char *const lines[] = {
        "try --help",       "try -h",
        "try -qh",          "try one --help",
        "try -x --help",    "try --frob -h",
        "try --count x -h", "try --count --help",
        "try --hel",        "try --file --help",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(parse(&any, lines[i]), CLI_PARSED_HELP);
        assert_string_equal(said, "");
    }
    good("try --system -h"); /* a value */
    assert_string_equal(args.values[OPT_SYSTEM], "-h");
    good("try -- --help");
}

#define PARSES(f) cmocka_unit_test_teardown(f, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        PARSES(nothing_given_is_nothing),
        PARSES(options_and_operands_come_in_any_order),
        PARSES(two_dashes_end_the_options),
        PARSES(one_dash_is_an_operand),
        PARSES(posix_order_is_kept_where_it_is_asked_for),
        PARSES(switches_may_stand_together),
        PARSES(repeatable_options_keep_every_value),
        PARSES(texts_are_utf8_and_paths_are_not_asked),
        PARSES(numbers_have_bounds),
        PARSES(words_are_those_of_the_table),
        PARSES(paths_are_not_empty),
        PARSES(addresses_are_those_of_listeners),
        PARSES(urls_are_those_of_the_configuration),
        PARSES(some_options_exclude_each_other),
        PARSES(some_options_mean_nothing_without_another),
        PARSES(some_options_are_given_once),
        PARSES(operands_are_counted),
        PARSES(unknown_options_are_told),
        PARSES(values_are_told_where_they_miss_or_are_too_many),
        PARSES(beginnings_of_names_will_do),
        PARSES(help_is_found_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
