/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/pm/launch.h"

#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/services.h"
#include "chorus/ui.h"
#include "idl/boot.h"
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/pm.h"

#define RECORD_MAX (1024u * 1024u)
#define EXEC_ROOM (2u * PATH_MAX)

/* ---- Getting it -------------------------------------------------------------------------- */

static long record_get(struct pm *pm, struct launch *launch)
{
    struct idl_client client;
    const struct boot_find_in in = {.name = "launch"};
    struct boot_find_out found;
    KnUniqueId boot;
    KnResult status;

    (void)uiBuild(&boot, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), SERVICE_BOOT);
    idl_client_init(&client, &boot, NULL, 0);
    status = boot_find(&client, &in, &found);
    if (status != K_OK || found.bytes == 0 || found.bytes > RECORD_MAX)
        return -ENOENT;
    launch->record_bytes = (size_t)found.bytes;
    launch->record = heap_allocate(&pm->heap, launch->record_bytes);
    if (launch->record == NULL)
        return -ENOMEM;
    for (size_t at = 0; at < launch->record_bytes;) {
        struct boot_read_in read = {found.offset + at, (uint32_t)MIN(launch->record_bytes - at,
                                                                     BOOT_READ_OUT_DATA_MAX)};
        struct boot_read_out out = {.data = launch->record + at, .data_room = read.count};

        if (boot_read(&client, &read, &out) != K_OK || out.data_bytes == 0)
            return -EIO;
        at += out.data_bytes;
    }
    return launch->record[launch->record_bytes - 1] == '\0' ? 0 : -EINVAL;
}

/* ---- Understanding it -------------------------------------------------------------------- */

static bool number_read(const char *text, uint32_t base, uint32_t *number)
{
    *number = 0;
    for (; *text >= '0' && (uint32_t)(*text - '0') < base; text++) {
        if (*number > UINT32_MAX / 16)
            return false;
        *number = *number * base + (uint32_t)(*text - '0');
    }
    return *text == '\0';
}

static void text_add(struct exec_texts *texts, const char *text)
{
    size_t bytes = strlen(text) + 1;

    memcpy(texts->bytes + texts->used_bytes, text, bytes);
    texts->used_bytes += bytes;
}

/* Keys that other servers read too, or that need nothing from PM. */
static bool is_others(const char *key)
{
    static const char *const keys[] = {"icount", "root",   "stdin", "rows",
                                       "cols",   "xpixel", "ypixel"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

static bool record_apply(struct launch *launch, const char *key, const char *value)
{
    uint32_t number = 0;
    bool is_number = number_read(value, strcmp(key, "umask") == 0 ? 8 : 10, &number);

    if (strcmp(key, "channel") == 0 || strcmp(key, "on") == 0)
        return is_number && number == 1;
    if (strcmp(key, "umask") == 0)
        launch->umask = number & 0777;
    else if (strcmp(key, "cwd") == 0)
        launch->directory = value;
    else if (strcmp(key, "same12") == 0)
        launch->same_output = number != 0;
    else if (strlen(key) == 4 && memcmp(key, "tty", 3) == 0 && key[3] >= '0' && key[3] <= '2')
        launch->tty[key[3] - '0'] = number != 0;
    else
        return is_others(key);
    return is_number || strcmp(key, "cwd") == 0;
}

/* Arguments come first in exec's texts and last in the record, hence two passes. */
static bool records_apply(struct launch *launch, bool arguments)
{
    const char *end = launch->record + launch->record_bytes;
    char *next;

    for (char *at = launch->record; at < end; at = next) {
        next = at + strlen(at) + 1;
        char *value = strchr(at, '=');

        if (value == NULL)
            return false;
        *value = '\0';
        if (strcmp(at, "arg") == 0) {
            if (arguments)
                text_add(&launch->texts, value + 1);
            launch->texts.argument_count += arguments;
        } else if (strcmp(at, "env") == 0) {
            if (!arguments)
                text_add(&launch->texts, value + 1);
            launch->texts.environment_count += !arguments;
            if (strncmp(value + 1, "PATH=", 5) == 0)
                launch->path = value + 6;
        } else if (arguments && !record_apply(launch, at, value + 1)) {
            (void)log_print("pm: the launch record asks for %s=%s\n", at, value + 1);
            return false;
        }
        *value = '=';
    }
    return true;
}

long launch_read(struct pm *pm, struct launch *launch)
{
    long result = record_get(pm, launch);

    launch->directory = "/";
    if (result < 0)
        return result;
    launch->texts.room_bytes = launch->record_bytes + EXEC_ROOM;
    launch->texts.bytes = heap_allocate(&pm->heap, launch->texts.room_bytes);
    if (launch->texts.bytes == NULL)
        return -ENOMEM;
    if (!records_apply(launch, true) || !records_apply(launch, false) ||
        launch->texts.argument_count == 0)
        return -EINVAL;
    return 0;
}
