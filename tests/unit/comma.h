/* A locale whose decimal point is a comma, as a program may have set it that links weir. It is made
 * here: few machines have one. */
#ifndef WEIR_TEST_COMMA_H
#define WEIR_TEST_COMMA_H

#include "unit.h"

#include <locale.h>

/* For the whole process, until comma_leave(). Skips the test where none can be made. */
static inline void comma_enter(void) {
    static const char source[] = "LC_NUMERIC\ndecimal_point \"<U002C>\"\nthousands_sep \"\"\n"
                                 "grouping -1\nEND LC_NUMERIC\n";
    char folder[] = "/tmp/weir-comma-XXXXXX", command[200], text[8];
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "cd %s && localedef -c -i ./source ./comma >out 2>&1",
             folder);
    char path[64];
    snprintf(path, sizeof path, "%s/source", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(source, f);
    fclose(f);
    (void)!system(command); /* which warns of all that is missing */
    setenv("LOCPATH", folder, 1);
    const char *set = setlocale(LC_NUMERIC, "comma");
    unsetenv("LOCPATH");
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    if (!set) skip();
    (void)snprintf(text, sizeof text, "%.1f", 1.5);
    assert_string_equal(text, "1,5");
}

static inline void comma_leave(void) {
    char text[8];
    (void)snprintf(text, sizeof text, "%.1f", 1.5);
    assert_string_equal(text, "1,5"); /* nobody has changed it */
    assert_non_null(setlocale(LC_NUMERIC, "C"));
}

#endif
