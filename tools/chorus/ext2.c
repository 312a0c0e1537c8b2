/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ext2 images, by mke2fs and debugfs. See ext2.h.
 *
 * The tree is written by a script of debugfs commands that is fed through a pipe. mke2fs -d could
 * fill an image from one folder only; laying several over each other in a folder first would leave
 * that folder behind when the launcher is killed. debugfs tells errors on its standard error and
 * nowhere else, so what stands there decides.
 *
 * I1  In a script a file is "./NAME" after a "cd" to its folder: a NAME like "<2>" would be an
 *     inode.
 */
#include "ext2.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "path.h"
#include "report.h"
#include "text.h"

#define MAGIC_OFFSET 1080
#define MAGIC_LOW 0x53
#define MAGIC_HIGH 0xef
#define INODE_BYTES 256
#define LINE_BYTES_MAX 8000 /* debugfs reads its script by lines of 8192 bytes */
#define FEED_BYTES 32768

bool ext2_recognise(int image)
{
    unsigned char magic[2];
    return pread(image, magic, 2, MAGIC_OFFSET) == 2 && magic[0] == MAGIC_LOW &&
           magic[1] == MAGIC_HIGH;
}

/* A program of e2fsprogs at work on an image. */
struct tool {
    const char *name;
    const char *harmless; /* a complaint that is none, by a part of it; NULL: any is one */
    pid_t pid;
    int feed;   /* its standard input */
    int errors; /* a file with its standard error */
};

/* Starts it; its standard output goes to the file `output`, or with -1 nowhere. */
static bool tool_start(struct tool *tool, char *const *words, int image, int output,
                       const char *harmless)
{
    int ends[2] = {-1, -1};
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    *tool = (struct tool){
        .name = words[0],
        .harmless = harmless,
        .pid = -1,
        .feed = -1,
        .errors = file_unnamed(),
    };
    if (nothing < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        report("%s: %s", words[0], strerror(errno));
    } else {
        struct child child = {
            .words = words,
            .input = ends[0],
            .output = output >= 0 ? output : nothing,
            .error = tool->errors,
            .kept = &image,
            .kept_count = 1,
        };
        tool->pid = child_start(&child);
        tool->feed = ends[1];
        close(ends[0]);
    }
    if (nothing >= 0)
        close(nothing);
    return tool->pid > 0;
}

/* Whether a line on standard error means nothing bad. */
static bool line_is_harmless(const struct tool *tool, const char *line)
{
    static const char banner[] = "debugfs 1.";

    return strncmp(line, banner, sizeof(banner) - 1) == 0 ||
           (tool->harmless != NULL && strstr(line, tool->harmless) != NULL);
}

/* The first complaint in what it wrote on standard error, without the line's end, or NULL. To be
 * freed. */
static char *tool_complaint(const struct tool *tool)
{
    FILE *file = fdopen(tool->errors, "r");
    char *line = NULL;
    size_t size = 0;
    bool found = false;

    if (file == NULL) {
        close(tool->errors);
        return text_format("%s", strerror(errno));
    }
    rewind(file);
    while (!found && getline(&line, &size, file) >= 0) {
        line[strcspn(line, "\n")] = '\0';
        found = line[0] != '\0' && !line_is_harmless(tool, line);
    }
    fclose(file);
    if (!found) {
        free(line);
        line = NULL;
    }
    return line;
}

/* Waits for its end. False after one line with its first complaint, if it failed or complained;
 * of one that was given up, `abandoned`, nothing more is said. */
static bool tool_end(struct tool *tool, bool abandoned)
{
    close(tool->feed);
    int status = tool->pid > 0 ? child_wait(tool->pid) : -1;
    char *complaint = tool_complaint(tool);
    bool done = complaint == NULL && status == 0;

    if (complaint != NULL && !abandoned)
        report("%s: %s", tool->name, complaint);
    if (complaint == NULL && status > 0 && !abandoned)
        report("%s: failed with status %d", tool->name,
               WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNALLED + WTERMSIG(status));
    free(complaint);
    return done;
}

bool ext2_make(int image, uint64_t bytes, uint64_t inodes)
{
    bytes += inodes * INODE_BYTES;
    bytes -= bytes % TREE_BLOCK_BYTES;
    if (ftruncate(image, (off_t)bytes) < 0) {
        report("an image of %llu bytes: %s", (unsigned long long)bytes, strerror(errno));
        return false;
    }
    char *count = text_format("%llu", (unsigned long long)inodes);
    char *block = text_format("%d", TREE_BLOCK_BYTES);
    char *name = text_format("/proc/self/fd/%d", image);
    char *words[] = {
        "mke2fs",
        "-q",
        "-F",
        "-t",
        "ext2",
        "-b",
        block,
        "-m",
        "0",
        "-N",
        count,
        "-O",
        "none,filetype,sparse_super,large_file",
        "-E",
        "root_owner=0:0,nodiscard",
        name,
        NULL,
    };
    struct tool tool;
    bool done = tool_start(&tool, words, image, -1, NULL);
    done = tool_end(&tool, !done) && done;
    free(count);
    free(block);
    free(name);
    return done;
}

/* The script for a tree, as it is made and fed. */
struct script {
    struct text text; /* made, not yet fed */
    char *folder;     /* where the last "cd" went, with its "/"; NULL before the first */
    bool fresh;       /* the image held nothing before: what is made stands for itself */
    bool *there; /* by node number: whether the image has this folder; debugfs' mkdir, of one that
                         is there, fails and leaves a lost inode behind */
    int feed;
    uint64_t done;
    struct progress progress;
};

/* A word of a command. False if it has a line's end in it, which debugfs cannot take. */
static bool script_word(struct script *script, const char *before, const char *word)
{
    if (strchr(word, '\n') != NULL) {
        report("'%s': a name with a line's end in it cannot be put into an image", word);
        return false;
    }
    text_print(&script->text, " \"%s", before);
    for (; *word != '\0'; word++) {
        text_add(&script->text, word, 1);
        if (*word == '"')
            text_add(&script->text, word, 1);
    }
    text_print(&script->text, "\"");
    return true;
}

/* A command about the file NAME in the current folder. */
static bool script_name(struct script *script, const char *command, const char *name)
{
    text_print(&script->text, "%s", command);
    return script_word(script, "./", name);
}

static bool script_folder(struct script *script, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = text_format("/%.*s", slash != NULL ? (int)(slash - path) : 0, path);

    if (script->folder != NULL && strcmp(script->folder, folder) == 0) {
        free(folder);
        return true;
    }
    free(script->folder);
    script->folder = folder;
    text_print(&script->text, "cd");
    bool done = script_word(script, "", folder);
    text_print(&script->text, "\n");
    return done;
}

/* One field of an inode. */
static bool script_field(struct script *script, const char *name, const char *field,
                         unsigned long long value)
{
    bool octal = strcmp(field, "mode") == 0;
    bool time = strcmp(field, "mtime") == 0;
    bool done = script_name(script, "sif", name);
    text_print(&script->text,
               octal  ? " %s 0%llo\n"
               : time ? " %s @%llu\n"
                      : " %s %llu\n",
               field, value);
    return done;
}

/* Removes what a file replaces. */
static bool script_remove(struct script *script, const char *name)
{
    if (script->fresh)
        return true;
    bool done = script_name(script, "rm", name);
    text_print(&script->text, "\n");
    return done;
}

/* The fields of a node's inode that are not yet as they should be: debugfs gives a new file
 * owner 0, one link, now, and if it is a plain one the mode of its source. */
static bool script_fields(struct script *script, const struct node *node)
{
    const struct stat *status = &node->status;
    const char *name = node->name;
    bool folder = S_ISDIR(status->st_mode);
    bool known_mode = S_ISREG(status->st_mode) || S_ISLNK(status->st_mode);
    bool old = folder && script->there[node->number]; /* with any owner */

    return (known_mode || script_field(script, name, "mode", status->st_mode)) &&
           ((status->st_uid == 0 && !old) || script_field(script, name, "uid", status->st_uid)) &&
           ((status->st_gid == 0 && !old) || script_field(script, name, "gid", status->st_gid)) &&
           (folder || node->link_count == 1 ||
            script_field(script, name, "links_count", node->link_count)) &&
           script_field(script, name, "mtime", (unsigned long long)status->st_mtime);
}

/* The commands that make a node's file, without its fields. */
static bool script_file(struct script *script, const struct node *node, const char *target)
{
    mode_t mode = node->status.st_mode;
    bool done;

    if (S_ISDIR(mode)) {
        if (script->there[node->number])
            return true;
        done = script_name(script, "mkdir", node->name);
    } else if (S_ISREG(mode)) {
        text_print(&script->text, "write");
        done = script_word(script, "", node->source) && script_name(script, "", node->name);
    } else if (S_ISLNK(mode)) {
        done = script_name(script, "symlink", node->name) && script_word(script, "", target);
    } else {
        text_print(&script->text, "mknod");
        done = script_word(script, "", node->name); /* mknod knows no folder, so takes "<2>" too */
        if (S_ISFIFO(mode))
            text_print(&script->text, " p");
        else
            text_print(&script->text, " %c %u %u", S_ISCHR(mode) ? 'c' : 'b',
                       major(node->status.st_rdev), minor(node->status.st_rdev));
    }
    text_print(&script->text, "\n");
    return done;
}

static bool script_node(struct script *script, const struct node *node)
{
    char target[LINE_BYTES_MAX] = "";
    mode_t mode = node->status.st_mode;

    if (S_ISLNK(mode)) {
        ssize_t length = readlink(node->source, target, sizeof(target) - 1);
        if (length < 0) {
            report("%s: %s", node->source, strerror(errno));
            return false;
        }
        target[length] = '\0';
    }
    return (S_ISDIR(mode) || script_remove(script, node->name)) &&
           script_file(script, node, target) && script_fields(script, node);
}

/* The path within the tree of a node. To be freed. */
static char *node_path(const struct node *node)
{
    if (node->parent == NULL)
        return text_format("%s", "");
    char *above = node_path(node->parent);
    char *path = text_format("%s/%s", above, node->name);
    free(above);
    return path;
}

/* A further name of a file: its inode and link count are there. */
static bool script_link(struct script *script, const struct node *node)
{
    char *first = node_path(node->first);
    bool done = script_remove(script, node->name);

    text_print(&script->text, "ln");
    done = done && script_word(script, "", first) && script_name(script, "", node->name);
    text_print(&script->text, "\n");
    free(first);
    return done;
}

/* Should debugfs go away meanwhile, its complaint and status tell. */
static void script_feed(struct script *script)
{
    (void)file_write(script->feed, script->text.bytes, script->text.length);
    script->text.length = 0;
    progress_show(&script->progress, script->done);
}

static bool script_visit(void *context, const struct node *node, const char *path)
{
    struct script *script = context;
    size_t before = script->text.length;

    script->done++;
    if (node->parent == NULL || S_ISSOCK(node->status.st_mode))
        return true; /* a socket is nothing without the process that made it */
    bool done = script_folder(script, path) &&
                (node->first == node ? script_node(script, node) : script_link(script, node));
    if (done && script->text.length - before > LINE_BYTES_MAX) {
        report("%s: the name is too long for an image", path);
        done = false;
    }
    if (done && script->text.length > FEED_BYTES)
        script_feed(script);
    return done;
}

/* Asks what stands at the place of each folder of the tree, in the order of the walk. */
static bool question_visit(void *context, const struct node *node, const char *path)
{
    struct script *script = context;

    if (!S_ISDIR(node->status.st_mode))
        return true;
    text_print(&script->text, "stat");
    bool done = script_word(script, "/", path);
    text_print(&script->text, "\n");
    if (done && script->text.length > FEED_BYTES)
        script_feed(script);
    return done;
}

/* The answers: an echo of each question, then what is there, if anything is. */
struct answers {
    FILE *file;
    bool *there;
    char *line; /* the next one, which may be the next question */
    size_t size;
    bool ended;
};

static void answers_advance(struct answers *answers)
{
    answers->ended = getline(&answers->line, &answers->size, answers->file) < 0;
}

static bool line_is_question(const char *line)
{
    static const char echo[] = "debugfs: stat ";
    return strncmp(line, echo, sizeof(echo) - 1) == 0;
}

static bool answer_visit(void *context, const struct node *node, const char *path)
{
    struct answers *answers = context;
    const char *type = NULL;

    if (!S_ISDIR(node->status.st_mode))
        return true;
    if (answers->ended || !line_is_question(answers->line)) {
        report("debugfs: it gave no answer about /%s", path);
        return false;
    }
    for (answers_advance(answers); !answers->ended && !line_is_question(answers->line);
         answers_advance(answers)) {
        if (type == NULL && strncmp(answers->line, "Inode: ", 7) == 0)
            type = strstr(answers->line, "Type: directory");
        else
            continue;
        if (type == NULL) {
            report("--files: /%s is no folder in the image", path);
            return false;
        }
        answers->there[node->number] = true;
    }
    return true;
}

/* Finds which of the tree's folders the image has: by node number, to be freed. NULL after one
 * line. */
static bool *folders_look(int image, const struct tree *tree)
{
    char *name = text_format("/proc/self/fd/%d", image);
    char *words[] = {"debugfs", "-f", "-", name, NULL};
    struct script script = {0};
    struct answers answers = {.there = memory_get(tree->node_count + 1, sizeof(bool))};
    int output = file_unnamed();
    struct tool tool;
    bool done = tool_start(&tool, words, image, output, ": File not found by ext2_lookup");

    if (done) {
        script.feed = tool.feed;
        done = tree_walk(tree, question_visit, &script);
        script_feed(&script);
    }
    done = tool_end(&tool, !done) && done;
    lseek(output, 0, SEEK_SET);
    answers.file = fdopen(output, "r");
    if (answers.file == NULL) {
        report("debugfs: %s", strerror(errno));
        close(output);
        done = false;
    } else {
        answers_advance(&answers);
        done = done && tree_walk(tree, answer_visit, &answers);
        fclose(answers.file);
    }
    free(answers.line);
    text_drop(&script.text);
    free(name);
    if (!done) {
        free(answers.there);
        answers.there = NULL;
    }
    return answers.there;
}

bool ext2_write(int image, const struct tree *tree, bool fresh)
{
    char *name = text_format("/proc/self/fd/%d", image);
    char *words[] = {"debugfs", "-w", "-f", "-", name, NULL};
    struct script script = {
        .fresh = fresh,
        .there = folders_look(image, tree),
    };
    bool done = script.there != NULL;

    if (done) {
        struct tool tool;
        done = tool_start(&tool, words, image, -1, "rm: File not found");
        if (done) {
            script.feed = tool.feed;
            progress_start(&script.progress, "building the image, files", tree->node_count);
            done = tree_walk(tree, script_visit, &script);
            if (done)
                script_feed(&script);
            progress_end(&script.progress);
        }
        done = tool_end(&tool, !done) && done;
    }
    text_drop(&script.text);
    free(script.there);
    free(script.folder);
    free(name);
    return done;
}

bool ext2_extract(int image, const char *path, const char *target)
{
    struct script script = {0};
    char *name = text_format("/proc/self/fd/%d", image);

    /* With a "/" at its end the folder's own name is left out of what is made in the target. */
    text_print(&script.text, "rdump");
    char *folder = text_format("%s%s", path, path[1] != '\0' ? "/" : "");
    bool done = script_word(&script, "", folder) && script_word(&script, "", target);
    if (done) {
        char *words[] = {"debugfs", "-R", script.text.bytes, name, NULL};
        /* Only uid 0 can give files away; anybody else gets what is extracted as his own. */
        const char *harmless = geteuid() != 0 ? "while changing ownership of" : NULL;
        struct tool tool;
        done = tool_start(&tool, words, image, -1, harmless);
        done = tool_end(&tool, !done) && done;
    }
    text_drop(&script.text);
    free(folder);
    free(name);
    return done;
}
