/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of services/boot/composition.c: what a composition may say, each way to get it wrong with
 * the line it is told for, the compositions of systems/, and random changes to one of them.
 */
#include "tests/unit/support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "kit/base.h"
#include "kit/random.h"
#include "kit/string.h"
#include "services/boot/composition.c" // NOLINT(bugprone-suspicious-include): the file under test

#define FUZZ_ROUNDS 20000

static struct composition composition;
static struct composition_error error;

/* The text lies in memory of its very size, so that reading past it is seen. */
static bool read_text(const char *text, size_t bytes)
{
    char *copy = malloc(MAX(bytes, 1u));
    bool read;

    memcpy(copy, text, bytes);
    read = composition_read(&composition, copy, bytes, &error);
    free(copy);
    return read;
}

static void expect_read(const char *text)
{
    if (!read_text(text, strlen(text)))
        fail_msg("line %u: %s", error.line, error.text);
}

static void expect_refused(const char *text, uint32_t line, const char *why)
{
    assert_false(read_text(text, strlen(text)));
    assert_int_equal(error.line, line);
    assert_string_equal(error.text, why);
}

/* ---- What it may say ------------------------------------------------------------------------- */

static void everything_is_understood(void **state)
{
    (void)state;
    expect_read(
        "# a comment\r\n"
        "\n"
        "root ext2 # another\n"
        "\tprotect  none\n"
        "pool threads 500\n"
        "pool messages 4294967289\n"
        "actor om supervisor priority 48 calls mapper threads 8\n"
        "actor second-disk user trusted device 255 program virtio_disk optional priority 0\n"
        "actor x user calls priority 255#behind a word"); /* and no end of the last line */
    assert_int_equal(composition.root, ROOT_EXT2);
    assert_int_equal(composition.protect, PROTECT_NONE);
    assert_int_equal(composition.pool[POOL_THREADS], 500);
    assert_int_equal(composition.pool[POOL_MESSAGES], 4294967289);
    assert_int_equal(composition.pool[POOL_PORTS], 0);
    assert_int_equal(composition.actors, 3);

    const struct composition_actor *actor = composition.actor;

    assert_string_equal(actor[0].name, "om");
    assert_string_equal(actor[0].program, "om");
    assert_int_equal(actor[0].line, 7);
    assert_true(actor[0].supervisor && actor[0].calls && actor[0].mapper);
    assert_false(actor[0].trusted || actor[0].optional);
    assert_int_equal(actor[0].priority, 48);
    assert_int_equal(actor[0].threads, 8);
    assert_string_equal(actor[1].name, "second-disk");
    assert_string_equal(actor[1].program, "virtio_disk");
    assert_true(!actor[1].supervisor && actor[1].trusted && actor[1].optional);
    assert_false(actor[1].calls || actor[1].mapper);
    assert_int_equal(actor[1].device, 255);
    assert_int_equal(actor[1].threads, 0);
    assert_int_equal(actor[2].priority, 255);
}

static void one_word_moves_a_server(void **state)
{
    (void)state;
    expect_read("actor om supervisor priority 1 calls mapper\n"
                "actor om2 user priority 1 calls mapper\n"
                "actor stm user priority 1 calls trusted\n"
                "actor plain user priority 1 calls\n");
    assert_int_equal(composition_privilege(&composition.actor[0]), K_SUPACTOR);
    assert_int_equal(composition_privilege(&composition.actor[1]), K_SYSTEMACTOR);
    assert_int_equal(composition_privilege(&composition.actor[2]), K_SYSTEMACTOR);
    assert_int_equal(composition_privilege(&composition.actor[3]), K_USERACTOR);
}

static void limits_are_reached(void **state)
{
    char text[COMPOSITION_ACTORS_MAX * 80] = "";

    (void)state;
    for (uint32_t i = 0; i < COMPOSITION_ACTORS_MAX; i++) {
        char line[80];

        snprintf(line, sizeof(line),
                 "actor a2345678901234567890123456789-%02u user priority 1 program p\n", i);
        strlcat(text, line, sizeof(text));
    }
    expect_refused(text, 1, "'a2345678901234567890123456789-00' is no name for an actor");
    for (char *at = text; (at = strchr(at, 'a')) != NULL; at++)
        if (strncmp(at, "a2345", 5) == 0)
            memmove(at, at + 1, strlen(at));
    expect_read(text);
    assert_int_equal(composition.actors, COMPOSITION_ACTORS_MAX);
    strlcat(text, "actor more user priority 1\n", sizeof(text));
    expect_refused(text, COMPOSITION_ACTORS_MAX + 1, "more than 32 actors");
}

static void compositions_of_the_house_are_right(void **state)
{
    static char text[COMPOSITION_BYTES_MAX + 1];
    DIR *folder = opendir("systems");
    const struct dirent *entry;
    int read = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        const char *suffix = strrchr(entry->d_name, '.');
        char path[300];

        if (suffix == NULL || strcmp(suffix, ".conf") != 0)
            continue;
        snprintf(path, sizeof(path), "systems/%s", entry->d_name);
        FILE *file = fopen(path, "r");

        assert_non_null(file);
        size_t bytes = fread(text, 1, sizeof(text), file);

        fclose(file);
        if (!read_text(text, bytes))
            fail_msg("%s:%u: %s", path, error.line, error.text);
        read++;
    }
    closedir(folder);
    assert_true(read > 0);
}

/* ---- What it may not ------------------------------------------------------------------------- */

static void lines_that_are_wrong_are_told(void **state)
{
    (void)state;
    expect_refused("", 0, "no actor");
    expect_refused("# nothing\n\n", 0, "no actor");
    expect_refused("root tmpfs\n", 0, "no actor");
    expect_refused("\n\nactors x user\n", 3,
                   "'actors' begins no line: actor, root, protect and pool do");
    expect_refused("root\n", 1, "'root' wants 'tmpfs' or 'ext2' and no more");
    expect_refused("root minix\n", 1, "'root' wants 'tmpfs' or 'ext2' and no more");
    expect_refused("root tmpfs ext2\n", 1, "'root' wants 'tmpfs' or 'ext2' and no more");
    expect_refused("root tmpfs\nroot tmpfs\n", 2, "'root' is there twice");
    expect_refused("protect some\n", 1, "'protect' wants 'none' or 'all' and no more");
    expect_refused("protect all\nprotect none\n", 2, "'protect' is there twice");
    expect_refused("pool\n", 1, "there is no pool ''");
    expect_refused("pool fish 3\n", 1, "there is no pool 'fish'");
    expect_refused("pool ports\n", 1, "'pool ports' wants a number above 0 and no more");
    expect_refused("pool ports 0\n", 1, "'pool ports' wants a number above 0 and no more");
    expect_refused("pool ports 4294967296\n", 1, "'pool ports' wants a number above 0 and no more");
    expect_refused("pool ports 1 2\n", 1, "'pool ports' wants a number above 0 and no more");
    expect_refused("pool ports 1\npool ports 1\n", 2, "pool 'ports' is there twice");
}

static void actors_that_are_wrong_are_told(void **state)
{
    (void)state;
    expect_refused("actor\n", 1, "'' is no name for an actor");
    expect_refused("actor ../../etc user\n", 1, "'../../etc' is no name for an actor");
    expect_refused("actor Om user\n", 1, "'Om' is no name for an actor");
    expect_refused("actor om\n", 1, "'actor om' wants 'user' or 'supervisor', not ''");
    expect_refused("actor om system\n", 1, "'actor om' wants 'user' or 'supervisor', not 'system'");
    expect_refused("actor om user\n", 1, "actor 'om' has no priority");
    expect_refused("actor om user priority 1\nactor om user priority 1\n", 2,
                   "actor 'om' stands in line 1 already");
    expect_refused("actor om user priority\n", 1,
                   "'priority' wants a number from 0 to 255, not ''");
    expect_refused("actor om user priority 256\n", 1,
                   "'priority' wants a number from 0 to 255, not '256'");
    expect_refused("actor om user priority -1\n", 1,
                   "'priority' wants a number from 0 to 255, not '-1'");
    expect_refused("actor om user priority 1 priority 1\n", 1, "'priority' is there twice");
    expect_refused("actor om user calls calls\n", 1, "'calls' is there twice");
    expect_refused("actor om user threads 0\n", 1,
                   "'threads' wants a number from 1 to 64, not '0'");
    expect_refused("actor om user threads 0x1\n", 1,
                   "'threads' wants a number from 1 to 64, not '0x1'");
    expect_refused("actor om user program\n", 1, "'program' wants the name of a program, not ''");
    expect_refused("actor om user program a/b\n", 1,
                   "'program' wants the name of a program, not 'a/b'");
    expect_refused("actor om user program a2345678901234567 priority 1\n", 1,
                   "'program' wants the name of a program, not 'a2345678901234567'");
    expect_refused("actor a2345678901234567 user priority 1\n", 1,
                   "'a2345678901234567' is too long for a program's name: say 'program'");
    expect_refused("actor om user priorty 1\n", 1, "'priorty' is no word of an actor's line");
    expect_refused("\nactor om user priority 1 restart always\n", 2,
                   "'restart': a server that dies is reported; restarting it is not there yet");
}

static void text_that_is_none_is_told(void **state)
{
    static const char zero[] = "actor a\0b user priority 1\n";
    char *large = malloc(COMPOSITION_BYTES_MAX + 1);
    char longest[] = "actor 12345678901234567890123456789012345678901234567 user\n";

    (void)state;
    assert_false(read_text(zero, sizeof(zero) - 1));
    assert_string_equal(error.text, "a character that is no text");
    expect_refused("actor a\x80 user\n", 1, "a character that is no text");
    expect_refused("a\x1b[2J\n", 1, "a character that is no text");
    expect_refused(longest, 1,
                   "'12345678901234567890123456789012345678901234567' is no name for an actor");
    longest[5] = '_';
    expect_refused(longest, 1, "a word longer than 47 characters");
    expect_refused("a a a a a a a a a a a a a a a a a a a a a a a a a", 1, "more than 24 words");
    memset(large, '\n', COMPOSITION_BYTES_MAX + 1);
    assert_false(read_text(large, COMPOSITION_BYTES_MAX + 1));
    assert_string_equal(error.text, "more than 65536 bytes");
    assert_false(read_text(large, COMPOSITION_BYTES_MAX));
    assert_string_equal(error.text, "no actor");
    free(large);
}

/* ---- Random changes -------------------------------------------------------------------------- */

static const char model[] = "# MiX\n"
                            "root tmpfs\n"
                            "protect all\n"
                            "pool threads 200\n"
                            "actor console supervisor priority 32 calls\n"
                            "actor virtio_disk supervisor priority 32 calls optional device 1\n"
                            "actor om user priority 48 calls mapper threads 8 # pages\n"
                            "actor pm supervisor priority 56 calls trusted program pm\n";

/* What was read is within all limits, however it came about. */
static void check_read(void)
{
    assert_true(composition.actors > 0 && composition.actors <= COMPOSITION_ACTORS_MAX);
    for (uint32_t i = 0; i < composition.actors; i++) {
        const struct composition_actor *actor = &composition.actor[i];

        assert_true(is_name(actor->name, K_NAMEMAX));
        assert_true(is_name(actor->program, COMPOSITION_PROGRAM_MAX));
        assert_true(actor->priority <= K_PRIO_MIN && actor->threads <= 64 && actor->device <= 255);
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(actor->name, composition.actor[j].name);
    }
}

static size_t mutate(struct random *random, char *text, size_t bytes)
{
    size_t at = (size_t)random_below(random, bytes), from = (size_t)random_below(random, bytes);
    size_t length = (size_t)random_below(random, bytes - MAX(at, from) + 1);

    switch (random_below(random, 5)) {
    case 0:
        text[at] = (char)random_next(random);
        return bytes;
    case 1: /* a piece over another one */
        memmove(text + at, text + from, length);
        return bytes;
    case 2: /* a piece less */
        memmove(text + at, text + at + length, bytes - at - length);
        return bytes - length > 0 ? bytes - length : 1;
    case 3:
        text[at] = "\n #0\t"[random_below(random, 5)];
        return bytes;
    default:
        return at + 1;
    }
}

static void random_changes_do_no_harm(void **state)
{
    struct random random;
    uint32_t accepted = 0;

    (void)state;
    random_init(&random, 1);
    expect_read(model);
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        char text[sizeof(model)];
        size_t bytes = sizeof(model) - 1;

        memcpy(text, model, sizeof(model));
        for (uint64_t changes = 1 + random_below(&random, 4); changes > 0; changes--)
            bytes = mutate(&random, text, bytes);
        if (read_text(text, bytes)) {
            check_read();
            accepted++;
        } else {
            assert_true(strlen(error.text) > 0);
            assert_true(error.line <= bytes);
        }
    }
    assert_true(accepted > FUZZ_ROUNDS / 50 && accepted < FUZZ_ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_understood),
        cmocka_unit_test(one_word_moves_a_server),
        cmocka_unit_test(limits_are_reached),
        cmocka_unit_test(compositions_of_the_house_are_right),
        cmocka_unit_test(lines_that_are_wrong_are_told),
        cmocka_unit_test(actors_that_are_wrong_are_told),
        cmocka_unit_test(text_that_is_none_is_told),
        cmocka_unit_test(random_changes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
