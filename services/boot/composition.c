/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of compositions; see composition.h. A line is split into words, its first word says
 * which line it is, and the words of an actor's line are looked up in one table.
 */
#include "composition.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/format.h"
#include "kit/string.h"

#define WORD_BYTES 48
#define WORDS_MAX 24

/* One line, its comment taken off. */
struct line {
    uint32_t number;
    uint32_t count;
    char word[WORDS_MAX][WORD_BYTES];
};

struct reader {
    struct composition *composition;
    struct composition_error *error;
    struct line line;
};

static bool refuse(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Always false, so that a caller can return it. */
static bool refuse(struct reader *reader, const char *format, ...)
{
    va_list arguments;

    reader->error->line = reader->line.number;
    va_start(arguments, format);
    format_va(reader->error->text, sizeof(reader->error->text), format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Words ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Splits the text of one line. Behind '#' anything may stand. */
static bool line_split(struct reader *reader, const char *text, size_t bytes)
{
    struct line *line = &reader->line;
    size_t at = 0;

    ASSERT(line->number > 0);
    line->count = 0;
    while (at < bytes && text[at] != '#') {
        size_t length = 0;

        if (is_blank(text[at])) {
            at++;
            continue;
        }
        if (line->count == WORDS_MAX)
            return refuse(reader, "more than %d words", WORDS_MAX);
        for (; at < bytes && !is_blank(text[at]) && text[at] != '#'; at++) {
            if (text[at] < '!' || text[at] > '~')
                return refuse(reader, "a character that is no text");
            if (length + 1 == WORD_BYTES)
                return refuse(reader, "a word longer than %d characters", WORD_BYTES - 1);
            line->word[line->count][length++] = text[at];
        }
        line->word[line->count++][length] = '\0';
    }
    return true;
}

static bool number_read(const char *word, uint32_t *number)
{
    *number = 0;
    for (const char *digit = word; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || *number > (UINT32_MAX - 9) / 10)
            return false;
        *number = *number * 10 + (uint32_t)(*digit - '0');
    }
    return word[0] != '\0';
}

static bool is_name(const char *word, size_t length_max)
{
    size_t length = strlen(word);

    for (size_t i = 0; i < length; i++) {
        char c = word[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return length > 0 && length <= length_max;
}

/* ---- Actors ---------------------------------------------------------------------------------- */

enum word_kind { WORD_FLAG, WORD_NUMBER, WORD_PROGRAM, WORD_REFUSED };

/* The words behind "actor NAME FLAVOUR". Numbers are followed by one within [low, high]. */
static const struct actor_word {
    const char *word;
    enum word_kind kind;
    size_t offset; /* in struct composition_actor */
    uint32_t low, high;
    const char *why; /* WORD_REFUSED */
} actor_words[] = {
    {"calls", WORD_FLAG, offsetof(struct composition_actor, calls), 0, 0, NULL},
    {"mapper", WORD_FLAG, offsetof(struct composition_actor, mapper), 0, 0, NULL},
    {"trusted", WORD_FLAG, offsetof(struct composition_actor, trusted), 0, 0, NULL},
    {"optional", WORD_FLAG, offsetof(struct composition_actor, optional), 0, 0, NULL},
    {"priority", WORD_NUMBER, offsetof(struct composition_actor, priority), 0, K_PRIO_MIN, NULL},
    {"threads", WORD_NUMBER, offsetof(struct composition_actor, threads), 1, 64, NULL},
    {"device", WORD_NUMBER, offsetof(struct composition_actor, device), 0, 255, NULL},
    {"program", WORD_PROGRAM, 0, 0, 0, NULL},
    {"restart", WORD_REFUSED, 0, 0, 0,
     "a server that dies is reported; restarting it is not there yet"},
};

static const struct actor_word *actor_word_find(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(actor_words); i++)
        if (strcmp(actor_words[i].word, word) == 0)
            return &actor_words[i];
    return NULL;
}

/* Takes what follows a word that wants a value; *at stands on the word. */
static bool value_take(struct reader *reader, const struct actor_word *known,
                       struct composition_actor *actor, uint32_t *at)
{
    const char *value = *at + 1 < reader->line.count ? reader->line.word[*at + 1] : "";
    uint32_t number = 0;

    (*at)++;
    if (known->kind == WORD_PROGRAM) {
        if (!is_name(value, COMPOSITION_PROGRAM_MAX))
            return refuse(reader, "'program' wants the name of a program, not '%s'", value);
        strlcpy(actor->program, value, sizeof(actor->program));
        return true;
    }
    if (!number_read(value, &number) || number < known->low || number > known->high)
        return refuse(reader, "'%s' wants a number from %u to %u, not '%s'", known->word,
                      known->low, known->high, value);
    memcpy((char *)actor + known->offset, &number, sizeof(number));
    return true;
}

static bool actor_word_take(struct reader *reader, struct composition_actor *actor, uint32_t *at,
                            uint32_t *seen)
{
    const char *word = reader->line.word[*at];
    const struct actor_word *known = actor_word_find(word);
    bool yes = true;

    if (known == NULL)
        return refuse(reader, "'%s' is no word of an actor's line", word);
    if (known->kind == WORD_REFUSED)
        return refuse(reader, "'%s': %s", word, known->why);
    uint32_t bit = UINT32_C(1) << (known - actor_words);

    ASSERT(bit != 0);
    if ((*seen & bit) != 0)
        return refuse(reader, "'%s' is there twice", word);
    *seen |= bit;
    if (known->kind != WORD_FLAG)
        return value_take(reader, known, actor, at);
    memcpy((char *)actor + known->offset, &yes, sizeof(yes));
    return true;
}

static bool flavour_read(struct reader *reader, struct composition_actor *actor)
{
    const char *flavour = reader->line.count > 2 ? reader->line.word[2] : "";

    actor->supervisor = strcmp(flavour, "supervisor") == 0;
    if (!actor->supervisor && strcmp(flavour, "user") != 0)
        return refuse(reader, "'actor %s' wants 'user' or 'supervisor', not '%s'", actor->name,
                      flavour);
    return true;
}

static bool actor_read(struct reader *reader)
{
    struct composition *composition = reader->composition;
    const char *name = reader->line.count > 1 ? reader->line.word[1] : "";
    struct composition_actor actor = {.line = reader->line.number, .priority = UINT32_MAX};
    uint32_t seen = 0;

    if (!is_name(name, K_NAMEMAX))
        return refuse(reader, "'%s' is no name for an actor", name);
    if (composition->actors == COMPOSITION_ACTORS_MAX)
        return refuse(reader, "more than %u actors", COMPOSITION_ACTORS_MAX);
    for (uint32_t i = 0; i < composition->actors; i++)
        if (strcmp(composition->actor[i].name, name) == 0)
            return refuse(reader, "actor '%s' stands in line %u already", name,
                          composition->actor[i].line);
    strlcpy(actor.name, name, sizeof(actor.name));
    if (!flavour_read(reader, &actor))
        return false;
    for (uint32_t at = 3; at < reader->line.count; at++)
        if (!actor_word_take(reader, &actor, &at, &seen))
            return false;
    if (actor.program[0] == '\0' && !is_name(name, COMPOSITION_PROGRAM_MAX))
        return refuse(reader, "'%s' is too long for a program's name: say 'program'", name);
    if (actor.program[0] == '\0')
        strlcpy(actor.program, name, sizeof(actor.program));
    if (actor.priority == UINT32_MAX)
        return refuse(reader, "actor '%s' has no priority", name);
    ASSERT(actor.priority <= K_PRIO_MIN);
    composition->actor[composition->actors++] = actor;
    return true;
}

/* ---- The other lines ------------------------------------------------------------------------- */

/* A line "WORD CHOICE": *choice becomes 1 for the first name, 2 for the second. */
static bool choice_read(struct reader *reader, const char *first, const char *second,
                        uint32_t *choice)
{
    const struct line *line = &reader->line;
    const char *value = line->count > 1 ? line->word[1] : "";

    ASSERT(line->count > 0);
    if (*choice != 0)
        return refuse(reader, "'%s' is there twice", line->word[0]);
    if (strcmp(value, first) == 0)
        *choice = 1;
    else if (strcmp(value, second) == 0)
        *choice = 2;
    if (*choice == 0 || line->count != 2)
        return refuse(reader, "'%s' wants '%s' or '%s' and no more", line->word[0], first, second);
    return true;
}

static bool root_read(struct reader *reader)
{
    uint32_t choice = reader->composition->root;

    if (!choice_read(reader, "tmpfs", "ext2", &choice))
        return false;
    reader->composition->root = choice == 1 ? ROOT_TMPFS : ROOT_EXT2;
    return true;
}

static bool protect_read(struct reader *reader)
{
    uint32_t choice = reader->composition->protect;

    if (!choice_read(reader, "none", "all", &choice))
        return false;
    reader->composition->protect = choice == 1 ? PROTECT_NONE : PROTECT_ALL;
    return true;
}

static bool pool_read(struct reader *reader)
{
    static const char *const names[POOLS] = {
        [POOL_ACTORS] = "actors",     [POOL_THREADS] = "threads", [POOL_PORTS] = "ports",
        [POOL_MESSAGES] = "messages", [POOL_REGIONS] = "regions",
    };
    const struct line *line = &reader->line;
    const char *name = line->count > 1 ? line->word[1] : "";
    uint32_t pool = 0, size;

    while (pool < POOLS && strcmp(names[pool], name) != 0)
        pool++;
    if (pool == POOLS)
        return refuse(reader, "there is no pool '%s'", name);
    if (reader->composition->pool[pool] != 0)
        return refuse(reader, "pool '%s' is there twice", name);
    if (line->count != 3 || !number_read(line->word[2], &size) || size == 0)
        return refuse(reader, "'pool %s' wants a number above 0 and no more", name);
    reader->composition->pool[pool] = size;
    return true;
}

static const struct line_kind {
    const char *word;
    bool (*read)(struct reader *reader);
} line_kinds[] = {{"actor", actor_read},
                  {"root", root_read},
                  {"protect", protect_read},
                  {"pool", pool_read}};

static bool line_read(struct reader *reader)
{
    if (reader->line.count == 0)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(line_kinds); i++)
        if (strcmp(line_kinds[i].word, reader->line.word[0]) == 0)
            return line_kinds[i].read(reader);
    return refuse(reader, "'%s' begins no line: actor, root, protect and pool do",
                  reader->line.word[0]);
}

bool composition_read(struct composition *composition, const char *text, size_t bytes,
                      struct composition_error *error)
{
    struct reader reader = {.composition = composition, .error = error};
    size_t at = 0;

    ASSERT(text != NULL || bytes == 0);
    *composition = (struct composition){0};
    *error = (struct composition_error){0};
    if (bytes > COMPOSITION_BYTES_MAX)
        return refuse(&reader, "more than %u bytes", COMPOSITION_BYTES_MAX);
    while (at < bytes) {
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t length = end == NULL ? bytes - at : (size_t)(end - (text + at));

        reader.line.number++;
        if (!line_split(&reader, text + at, length) || !line_read(&reader))
            return false;
        at += length + 1;
    }
    reader.line.number = 0;
    return composition->actors > 0 || refuse(&reader, "no actor");
}

KnActorPrivilege composition_privilege(const struct composition_actor *actor)
{
    if (actor->supervisor)
        return K_SUPACTOR;
    return actor->mapper || actor->trusted ? K_SYSTEMACTOR : K_USERACTOR;
}
