/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line. See options.h.
 *
 * A row of the table names an option and the function that takes its value; nothing else knows the
 * options by name. What is promised but not there yet has a row that says so.
 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "path.h"
#include "report.h"
#include "text.h"

#define MEMORY_MIB_MIN 16
#define MEMORY_MIB_MAX (1024 * 1024)
#define SITES_MAX 1000
#define TIMEOUT_S_MAX 1000000000.0

#define PATH_INSIDE "/bin:/usr/bin:/sbin:/usr/sbin:/chorus/bin"
#define HOME_INSIDE "/root"

struct option_rule {
    const char *name;  /* with its dashes */
    char letter;       /* the short name, or 0 */
    const char *value; /* what the value is called; NULL: it takes none */
    bool (*take)(struct options *options, const struct option_rule *rule, const char *word);
    const char *help;
};

static bool number_read(const struct option_rule *rule, const char *word, uint64_t least,
                        uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(word, &end, 10);
    if (word[0] < '0' || word[0] > '9' || *end != '\0' || errno != 0 || *number < least ||
        *number > most) {
        report("%s: '%s' is not a number from %llu to %llu", rule->name, word,
               (unsigned long long)least, (unsigned long long)most);
        return false;
    }
    return true;
}

static bool take_sites(struct options *options, const struct option_rule *rule, const char *word)
{
    return number_read(rule, word, 1, SITES_MAX, &options->sites);
}

static bool take_memory(struct options *options, const struct option_rule *rule, const char *word)
{
    return number_read(rule, word, MEMORY_MIB_MIN, MEMORY_MIB_MAX, &options->memory_mib);
}

static bool take_root(struct options *options, const struct option_rule *rule, const char *word)
{
    (void)rule;
    options->root = word;
    return true;
}

/* DIR or DIR:PATH. A colon that no "/" follows belongs to DIR. */
static bool take_files(struct options *options, const struct option_rule *rule, const char *word)
{
    const char *colon = strrchr(word, ':');
    bool has_path = colon != NULL && colon[1] == '/';
    size_t length = has_path ? (size_t)(colon - word) : strlen(word);

    if (length == 0) {
        report("%s: '%s' names no folder", rule->name, word);
        return false;
    }
    options->files = memory_grow(options->files, options->files_count, sizeof(struct files_option));
    options->files[options->files_count++] = (struct files_option){
        .source = text_format("%.*s", (int)length, word),
        .target = path_normalize(has_path ? colon + 1 : "/files"),
    };
    return true;
}

static bool take_cwd(struct options *options, const struct option_rule *rule, const char *word)
{
    (void)rule;
    free(options->cwd);
    options->cwd = path_normalize(word);
    return true;
}

static bool take_save(struct options *options, const struct option_rule *rule, const char *word)
{
    (void)rule;
    options->save = word;
    return true;
}

static bool take_on(struct options *options, const struct option_rule *rule, const char *word)
{
    return number_read(rule, word, 1, SITES_MAX, &options->on);
}

/* Sets a variable, in the place of one with the same name. Takes the string over. */
static void environment_set(struct options *options, char *setting)
{
    size_t name_length = strcspn(setting, "=") + 1;

    for (size_t i = 0; i < options->environment_count; i++) {
        if (strncmp(options->environment[i], setting, name_length) == 0) {
            free(options->environment[i]);
            options->environment[i] = setting;
            return;
        }
    }
    options->environment =
        memory_grow(options->environment, options->environment_count, sizeof(char *));
    options->environment[options->environment_count++] = setting;
}

static bool take_env(struct options *options, const struct option_rule *rule, const char *word)
{
    if (word[0] == '=' || strchr(word, '=') == NULL) {
        report("%s: '%s' is not NAME=VALUE", rule->name, word);
        return false;
    }
    environment_set(options, text_format("%s", word));
    return true;
}

static bool take_system(struct options *options, const struct option_rule *rule, const char *word)
{
    (void)rule;
    options->composition = word;
    return true;
}

static bool take_accel(struct options *options, const struct option_rule *rule, const char *word)
{
    options->kvm = strcmp(word, "kvm") == 0;
    if (!options->kvm && strcmp(word, "tcg") != 0) {
        report("%s: '%s' is neither tcg nor kvm", rule->name, word);
        return false;
    }
    return true;
}

static bool take_icount(struct options *options, const struct option_rule *rule, const char *word)
{
    (void)rule;
    (void)word;
    options->icount = true;
    return true;
}

static bool take_timeout(struct options *options, const struct option_rule *rule, const char *word)
{
    char *end;
    double seconds = strtod(word, &end);

    if (strspn(word, "0123456789.") != strlen(word) || *end != '\0' || end == word ||
        !(seconds > 0) || seconds > TIMEOUT_S_MAX) {
        report("%s: '%s' is not a number of seconds", rule->name, word);
        return false;
    }
    options->timeout_ns = (int64_t)(seconds * (double)CLOCK_SECOND_NS);
    if (options->timeout_ns == 0)
        options->timeout_ns = 1;
    return true;
}

static bool take_log(struct options *options, const struct option_rule *rule, const char *word)
{
    (void)rule;
    options->log = word;
    return true;
}

static bool take_verbose(struct options *options, const struct option_rule *rule, const char *word)
{
    (void)rule;
    (void)word;
    options->verbose = true;
    return true;
}

static bool take_later(struct options *options, const struct option_rule *rule, const char *word)
{
    (void)options;
    report("%s %s: not there yet", rule->name, word);
    return false;
}

static const struct option_rule rules[] = {
    {"--sites", 'n', "N", take_sites, "sites in the domain (1; more are not there yet)"},
    {"--memory", 'm', "MIB", take_memory, "memory of each site (128)"},
    {"--root", 0, "DIR|IMAGE", take_root,
     "root files: a folder, copied; or an ext2 image, used in place and kept (build/root)"},
    {"--files", 0, "DIR[:PATH]", take_files,
     "copy DIR into the root at PATH (/files); may be repeated; PROGRAM starts in the first"},
    {"--cwd", 0, "DIR", take_cwd, "where PROGRAM starts (/, or the first --files)"},
    {"--save", 0, "DIR", take_save,
     "afterwards, extract the first --files, else the whole root, into DIR (new or empty)"},
    {"--on", 0, "K", take_on, "the site where PROGRAM starts (1)"},
    {"--env", 0, "NAME=VALUE", take_env, "add to PROGRAM's environment; may be repeated"},
    {"--system", 0, "NAME|FILE", take_system, "the composition (mix: systems/mix.conf)"},
    {"--accel", 0, "tcg|kvm", take_accel, "QEMU's accelerator (tcg)"},
    {"--icount", 0, NULL, take_icount, "deterministic: one instruction a nanosecond"},
    {"--timeout", 0, "S", take_timeout, "give up after S seconds"},
    {"--log", 0, "FILE", take_log, "append the log of all sites to FILE (build/log/run.log)"},
    {"--verbose", 'v', NULL, take_verbose, "show the log on standard error as it comes"},
    {"--pcap", 0, "FILE", take_later, "the frames between sites, in clear (not there yet)"},
    {"--pcap-raw", 0, "FILE", take_later, "the same as on the wire (not there yet)"},
    {"--kill", 0, "K@S", take_later, "lose site K after S seconds (not there yet)"},
    {"--cut", 0, "K@S[:D]", take_later, "cut site K's cable for D seconds (not there yet)"},
};
#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

static const struct option_rule *rule_find_name(const char *word, size_t length)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (strlen(rules[i].name) == length && memcmp(rules[i].name, word, length) == 0)
            return &rules[i];
    }
    return NULL;
}

static const struct option_rule *rule_find_letter(char letter)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (rules[i].letter == letter && letter != 0)
            return &rules[i];
    }
    return NULL;
}

/* Gives a rule its value: the rest of its own word, or the word after it, which is then used up. */
static bool rule_apply(struct options *options, const struct option_rule *rule, const char *rest,
                       char *const **next)
{
    if (rule->value == NULL) {
        if (rest != NULL) {
            report("%s: takes no value, but was given '%s'", rule->name, rest);
            return false;
        }
        return rule->take(options, rule, "");
    }
    if (rest == NULL) {
        if (**next == NULL) {
            report("%s: needs a value, %s", rule->name, rule->value);
            return false;
        }
        rest = *(*next)++;
    }
    return rule->take(options, rule, rest);
}

/* One word that starts with "-": --name, --name=VALUE, -x, -xVALUE, -xyz. */
static bool word_read(struct options *options, const char *word, char *const **next)
{
    if (word[1] == '-') {
        size_t length = strcspn(word, "=");
        const struct option_rule *rule = rule_find_name(word, length);
        if (rule == NULL) {
            report("unknown option '%s'; see ./chorus help", word);
            return false;
        }
        return rule_apply(options, rule, word[length] == '=' ? word + length + 1 : NULL, next);
    }
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct option_rule *rule = rule_find_letter(*letter);
        if (rule == NULL) {
            report("unknown option '-%c' in '%s'; see ./chorus help", *letter, word);
            return false;
        }
        if (rule->value != NULL)
            return rule_apply(options, rule, letter[1] != '\0' ? letter + 1 : NULL, next);
        if (!rule_apply(options, rule, NULL, next))
            return false;
    }
    return true;
}

/* What no single word shows. */
static bool options_check(const struct options *options)
{
    if (options->sites > 1) {
        report("--sites %llu: more than one site is not there yet",
               (unsigned long long)options->sites);
        return false;
    }
    if (options->on > options->sites) {
        report("--on %llu: there is no such site", (unsigned long long)options->on);
        return false;
    }
    if (options->icount && options->save != NULL) {
        report("--save '%s': not with --icount", options->save);
        return false;
    }
    if (options->icount && options->kvm) {
        report("--accel kvm: not with --icount");
        return false;
    }
    return true;
}

static bool program_read(struct options *options, char *const *words)
{
    static char *const shell[] = {"/bin/sh", NULL};

    if (options->verb == VERB_SHELL) {
        if (words[0] != NULL) {
            report("shell: takes no PROGRAM, but was given '%s'; see ./chorus help", words[0]);
            return false;
        }
        options->program = shell;
        return true;
    }
    if (words[0] == NULL) {
        report("run: no PROGRAM was given; see ./chorus help");
        return false;
    }
    if (words[0][0] == '\0') {
        report("run: PROGRAM is '', an empty word");
        return false;
    }
    options->program = words;
    return true;
}

bool options_read(struct options *options, enum verb verb, char *const *words)
{
    const char *terminal = getenv("TERM");

    *options = (struct options){
        .verb = verb,
        .sites = 1,
        .memory_mib = 128,
        .on = 1,
        .composition = "mix",
    };
    environment_set(options, text_format("PATH=%s", PATH_INSIDE));
    environment_set(options, text_format("HOME=%s", HOME_INSIDE));
    environment_set(options, text_format("TERM=%s", terminal != NULL ? terminal : "dumb"));

    while (*words != NULL && (*words)[0] == '-' && (*words)[1] != '\0') {
        const char *word = *words++;
        if (strcmp(word, "--") == 0)
            break;
        if (!word_read(options, word, &words))
            return false;
    }
    if (!program_read(options, words) || !options_check(options))
        return false;
    if (options->cwd == NULL)
        options->cwd = path_normalize(options->files_count > 0 ? options->files[0].target : "/");
    assert(options->program[0] != NULL && options->cwd[0] == '/');
    return true;
}

void options_drop(struct options *options)
{
    for (size_t i = 0; i < options->files_count; i++) {
        free(options->files[i].source);
        free(options->files[i].target);
    }
    for (size_t i = 0; i < options->environment_count; i++)
        free(options->environment[i]);
    free(options->files);
    free(options->environment);
    free(options->cwd);
    *options = (struct options){0};
}

void options_help(void)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        char left[64];
        if (rules[i].letter != 0)
            snprintf(left, sizeof(left), "-%c, %s %s", rules[i].letter, rules[i].name,
                     rules[i].value != NULL ? rules[i].value : "");
        else
            snprintf(left, sizeof(left), "%s %s", rules[i].name,
                     rules[i].value != NULL ? rules[i].value : "");
        printf("  %-22s %s\n", left, rules[i].help);
    }
}
