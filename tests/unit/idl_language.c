/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the language that tools/gen_idl.py reads: what it refuses, in which line and why. Run
 * from the top of the tree, as tools/check does.
 */
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/base.h"

#define HEAD "protocol t version 1\n"

/* A protocol t in text, and what the generator is to say of it: WHY in its LINE. */
struct refusal {
    const char *text;
    int line;
    const char *why;
};

struct fixture {
    char folder[32];
    uint32_t count; /* of protocols, each in a folder of its own: folder/0/t.idl ... */
};

static int open_folder(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->folder, "/tmp/idl.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    *state = fixture;
    return 0;
}

static int close_folder(void **state)
{
    static const char *const made[] = {"t.h", "t_client.c", "t_server.c", "t.md"};
    struct fixture *fixture = *state;
    char path[64];

    for (uint32_t i = 0; i < fixture->count; i++) {
        snprintf(path, sizeof(path), "%s/%u/t.idl", fixture->folder, i);
        assert_int_equal(unlink(path), 0);
        *strrchr(path, '/') = '\0';
        assert_int_equal(rmdir(path), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
        snprintf(path, sizeof(path), "%s/%s", fixture->folder, made[i]);
        (void)unlink(path); /* where the protocol was good */
    }
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

static void protocol_write(struct fixture *fixture, const char *text)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%u", fixture->folder, fixture->count);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/%u/t.idl", fixture->folder, fixture->count++);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Starts the generator on protocols `first` and later; what it says can be read. */
static FILE *generator_start(const struct fixture *fixture, uint32_t first)
{
    char command[4096];
    size_t at = (size_t)snprintf(command, sizeof(command),
                                 "python3 -B tools/gen_idl.py 2>&1 --out %s", fixture->folder);
    FILE *pipe;

    for (uint32_t i = first; i < fixture->count; i++)
        at += (size_t)snprintf(&command[at], sizeof(command) - at, " %s/%u/t.idl", fixture->folder,
                               i);
    assert_true(at < sizeof(command));
    pipe = popen(command, "r"); // NOLINT(bugprone-command-processor,cert-env33-c)
    assert_non_null(pipe);
    return pipe;
}

static void expect_refusals(struct fixture *fixture, const struct refusal *refusal, uint32_t count)
{
    uint32_t first = fixture->count;
    char said[256], expected[256];
    FILE *pipe;

    for (uint32_t i = 0; i < count; i++)
        protocol_write(fixture, refusal[i].text);
    pipe = generator_start(fixture, first);
    for (uint32_t i = 0; i < count; i++) {
        assert_non_null(fgets(said, sizeof(said), pipe));
        snprintf(expected, sizeof(expected), "%s/%u/t.idl:%d: %s\n", fixture->folder, first + i,
                 refusal[i].line, refusal[i].why);
        assert_string_equal(said, expected);
    }
    assert_null(fgets(said, sizeof(said), pipe));
    assert_int_not_equal(pclose(pipe), 0);
}

static void expect_good(struct fixture *fixture, const char *text)
{
    uint32_t first = fixture->count;
    char said[256];
    FILE *pipe;

    protocol_write(fixture, text);
    pipe = generator_start(fixture, first);
    if (fgets(said, sizeof(said), pipe) != NULL)
        fail_msg("%s", said);
    assert_int_equal(pclose(pipe), 0);
}

static void syntax_is_checked(void **state)
{
    static const struct refusal refusals[] = {
        {"operation a 1 { }\n", 1, "'protocol' expected, not 'operation'"},
        {"protocol u version 1\n", 1, "a protocol in t.idl is called t"},
        {"protocol t version 0\n", 1, "a version 0 is not within 1 to 65535"},
        {HEAD, 1, "a protocol has operations"},
        {HEAD "operation a 1 { };\n", 2, "no construct begins with ';'"},
        {HEAD "operation a 1 { in u32 x }\n", 2, "';' expected, not '}'"},
        {HEAD "operation a 1 { u32 x; }\n", 2, "'in' or 'out' expected, not 'u32'"},
        {HEAD "operation a 1 { in u32 x;\n", 2,
         "'in' or 'out' expected, not 'the end of the file'"},
        {HEAD "operation a 1 { in u32 x; } @\n", 2, "cannot read: @"},
        {HEAD "operation A 1 { }\n", 2, "'A' cannot name an operation"},
        {HEAD "operation for 1 { }\n", 2, "'for' cannot name an operation"},
        {HEAD "operation permit 1 { }\n", 2, "permit is the server's check of rights"},
        {HEAD "operation a 0 { }\n", 2, "an operation's number 0 is not within 1 to 65535"},
        {HEAD "operation a 1 { } rights errors ENOENT\n", 2, "'rights' without a name"},
        {HEAD "operation a 1 { } errors ENONSENSE\n", 2, "there is no error ENONSENSE"},
    };

    expect_refusals(*state, refusals, ARRAY_SIZE(refusals));
}

static void types_are_checked(void **state)
{
    static const struct refusal refusals[] = {
        {HEAD "operation a 1 { in i16 x; }\n", 2, "'i16' is no type of fixed size"},
        {HEAD "operation a 1 { in struct s x; }\n", 2, "there is no struct s above"},
        {HEAD "struct s { }\noperation a 1 { }\n", 2, "a struct has members"},
        {HEAD "struct s { string x 4; }\n", 2, "'string' is no type of fixed size"},
        {HEAD "enum e { }\n", 2, "an enum has values"},
        {HEAD "enum e { A = 1; B = 1; }\n", 2, "two values of e are 1"},
        {HEAD "operation a 1 { in u8 x[0]; }\n", 2, "a count 0 is not within 1 to 65536"},
        {HEAD "operation a 1 { in u8 x[MANY]; }\n", 2, "a count expected, not 'MANY'"},
        {HEAD "operation a 1 { in string x; }\n", 2, "string x needs a limit"},
        {HEAD "operation a 1 { in bytes x 1048577; }\n", 2,
         "a limit 1048577 is not within 1 to 1048576"},
        {HEAD "oneway operation a 1 { out u32 x; }\n", 2, "a one-way operation gives nothing back"},
    };

    expect_refusals(*state, refusals, ARRAY_SIZE(refusals));
}

static void names_stand_for_one_thing(void **state)
{
    static const struct refusal refusals[] = {
        {HEAD "operation a 1 { }\noperation b 1 { }\n", 3, "operation number 1 is taken"},
        {HEAD "operation a 1 { }\noperation a 2 { }\n", 3, "t_a is already taken in line 2"},
        {HEAD "struct a_in { u8 x; }\noperation a 1 { }\n", 3, "t_a_in is already taken in line 2"},
        {HEAD "const A = 1\noperation a 1 { }\n", 3, "T_A is already taken in line 2"},
        {HEAD "const VERSION = 1\n", 2, "T_VERSION is already taken in line 1"},
        {HEAD "struct s { u8 x; u8 x; }\n", 2, "two members are called x"},
        {HEAD "operation a 1 { in bytes x 4; in u32 x_bytes; }\n", 2,
         "two in-arguments need the member x_bytes"},
        {HEAD "operation a 1 { out bytes x 4; out u32 x_room; }\n", 2,
         "two out-arguments need the member x_room"},
    };

    expect_refusals(*state, refusals, ARRAY_SIZE(refusals));
}

/* Writes "operation a 1 { in bytes b0 LIMIT; ... }" with `count` arguments. */
static const char *many_bytes(char *text, size_t bytes, int count, int limit)
{
    size_t at = (size_t)snprintf(text, bytes, HEAD "operation a 1 { ");

    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(&text[at], bytes - at, "in bytes b%d %d; ", i, limit);
    assert_true(at + 3 < bytes);
    strcpy(&text[at], "}\n");
    return text;
}

static void messages_have_bounds(void **state)
{
    char lengths[2048], body[128];
    const struct refusal refusals[] = {
        {lengths, 2, "the request has more strings and bytes than the annex has lengths"},
        {body, 2, "the request's body can have 1048578 bytes, more than 1048576"},
    };

    expect_good(*state, many_bytes(lengths, sizeof(lengths), 28, 1));
    expect_good(*state, many_bytes(body, sizeof(body), 2, 1 << 19));
    many_bytes(lengths, sizeof(lengths), 29, 1);
    many_bytes(body, sizeof(body), 2, (1 << 19) + 1);
    expect_refusals(*state, refusals, ARRAY_SIZE(refusals));
}

static void constants_and_comments_are_understood(void **state)
{
    expect_good(*state, "# SPDX-License-Identifier: BSD-2-Clause\n"
                        "\n"
                        "# What it is for.\n"
                        "protocol t version 0xffff\n"
                        "const LIMIT = 0x10 # bytes\n"
                        "enum e { LOW = 0; HIGH = 2147483647; }\n"
                        "struct s { enum e kind; u8 name[LIMIT]; }\n"
                        "operation a 65535 { in struct s s[3]; out string s LIMIT; }\n"
                        "    rights SOME MORE errors ENOENT K_EBUSY\n"
                        "oneway operation b 1 { }\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(syntax_is_checked, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(types_are_checked, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(names_stand_for_one_thing, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(messages_have_bounds, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(constants_and_comments_are_understood, open_folder,
                                        close_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
