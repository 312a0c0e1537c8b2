/* SPDX-License-Identifier: BSD-2-Clause */
/* What a site boots from. See bundle.h. */
#include "bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "path.h"
#include "report.h"

#define COMPOSITION_BYTES_MAX (1 << 20)

/* Members that a run makes, so that the system archive must not bring them. */
static const char *const run_members[] = {"composition", "launch", "stdin", "root.cpio", NULL};

/* Reads a line "root KIND"; comments start with '#'. */
static bool root_line_read(struct composition *composition, const char *line, const char *name)
{
    char words[3][16] = {{0}};
    size_t length = strcspn(line, "#\n");
    char *copy = text_format("%.*s", (int)length, line);
    int count = 0;
    char *state;

    for (char *word = strtok_r(copy, " \t\r", &state); word != NULL && count < 3;
         word = strtok_r(NULL, " \t\r", &state))
        strncpy(words[count++], word, sizeof(words[0]) - 1);
    free(copy);
    if (count == 0 || strcmp(words[0], "root") != 0)
        return true;
    if (count == 2 && strcmp(words[1], "ext2") == 0)
        composition->root = ROOT_ON_EXT2;
    else if (count == 2 && strcmp(words[1], "tmpfs") == 0)
        composition->root = ROOT_ON_TMPFS;
    else {
        report("%s: 'root %s': the root is on tmpfs or on ext2", name, words[1]);
        return false;
    }
    return true;
}

static bool composition_load(struct composition *composition, int fd, const char *name)
{
    char chunk[4096];
    ssize_t count;

    while ((count = read(fd, chunk, sizeof(chunk))) > 0) {
        text_add(&composition->text, chunk, (size_t)count);
        if (composition->text.length > COMPOSITION_BYTES_MAX) {
            report("--system '%s': this is no composition, it is too large", name);
            return false;
        }
    }
    if (count < 0) {
        report("--system '%s': %s", name, strerror(errno));
        return false;
    }
    text_add(&composition->text, "", 0);
    for (const char *line = composition->text.bytes; line != NULL && *line != '\0';) {
        if (!root_line_read(composition, line, name))
            return false;
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return true;
}

int composition_read(struct composition *composition, const struct options *options)
{
    const char *word = options->composition;
    char *below = text_format("systems/%s.conf", word);
    char *name = strchr(word, '/') != NULL ? text_format("%s", word) : path_house(below);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    bool done = false;

    *composition = (struct composition){0};
    if (fd < 0) {
        report("--system '%s': %s: %s", word, name, strerror(errno));
    } else {
        done = composition_load(composition, fd, word);
        close(fd);
    }
    free(below);
    free(name);
    return done ? 0 : STATUS_BAD_USE;
}

static bool base_copy(struct archive *archive)
{
    char *name = path_house("build/x86_64/system.cpio");
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    bool done = false;

    if (fd < 0) {
        report("%s: %s; has everything been built, by make?", name, strerror(errno));
    } else {
        done = archive_copy(archive, fd, name, run_members);
        close(fd);
    }
    free(name);
    return done;
}

static bool root_put(struct archive *archive, const struct root *root)
{
    archive_open(archive, &(struct archive_member){
                              .name = "root.cpio",
                              .number = archive->member_count + 1,
                              .mode = S_IFREG | 0644,
                              .link_count = 1,
                          });
    bool done = archive_nest(archive, &root->tree);
    archive_close(archive);
    return done;
}

int bundle_make(const struct options *options, const struct composition *composition,
                const struct root *root, const struct streams *streams)
{
    struct archive archive;
    struct text record = {0};
    int fd = file_unnamed();

    archive_create(&archive, fd);
    launch_write(&record, options, root, streams);
    bool done = base_copy(&archive);
    if (done) {
        archive_put(&archive, "composition", composition->text.bytes, composition->text.length);
        archive_put(&archive, "launch", record.bytes, record.length);
        if (options->icount)
            done = archive_put_file(&archive, "stdin", STDIN_FILENO, "standard input");
        if (done && root->kind == ROOT_TMPFS)
            done = root_put(&archive, root);
    }
    done = archive_end(&archive) && done;
    text_drop(&record);
    if (!done) {
        close(fd);
        fd = -1;
    }
    return fd;
}
