/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/stm/launch.h"

#include "chorus/channel.h"
#include "kit/assert.h"
#include "kit/string.h"

/* A decimal number as a whole; false: it is none, or above `most`. */
static bool number_read(const char *text, uint32_t most, uint32_t *number)
{
    *number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || *number > UINT32_MAX / 10 - 1)
            return false;
        *number = *number * 10 + (uint32_t)(*text - '0');
    }
    return *number <= most;
}

static bool flag_read(const char *text, bool *flag)
{
    uint32_t number;
    bool is_number = number_read(text, 1, &number);

    *flag = is_number && number == 1;
    return is_number;
}

static bool size_read(const char *text, uint16_t *size)
{
    uint32_t number;
    bool is_number = number_read(text, UINT16_MAX, &number);

    *size = is_number ? (uint16_t)number : 0;
    return is_number;
}

static bool source_read(const char *text, bool *is_archive)
{
    *is_archive = strcmp(text, "archive") == 0;
    return *is_archive || strcmp(text, "channel") == 0;
}

static bool version_read(const char *text)
{
    uint32_t version;

    return number_read(text, UINT32_MAX, &version) && version == CHANNEL_VERSION;
}

/* The value, if the record is of that key. */
static const char *value_of(const char *record, const char *key)
{
    size_t bytes = strlen(key);

    if (strncmp(record, key, bytes) != 0 || record[bytes] != '=')
        return NULL;
    return record + bytes + 1;
}

static bool record_read(struct launch *launch, const char *record)
{
    const char *value;

    if ((value = value_of(record, "channel")) != NULL)
        return version_read(value);
    if ((value = value_of(record, "icount")) != NULL)
        return flag_read(value, &launch->icount);
    if ((value = value_of(record, "stdin")) != NULL)
        return source_read(value, &launch->input_is_archive);
    if ((value = value_of(record, "tty0")) != NULL)
        return flag_read(value, &launch->is_tty[CHANNEL_STDIN]);
    if ((value = value_of(record, "tty1")) != NULL)
        return flag_read(value, &launch->is_tty[CHANNEL_STDOUT]);
    if ((value = value_of(record, "tty2")) != NULL)
        return flag_read(value, &launch->is_tty[CHANNEL_STDERR]);
    if ((value = value_of(record, "same12")) != NULL)
        return flag_read(value, &launch->same_out);
    if ((value = value_of(record, "rows")) != NULL)
        return size_read(value, &launch->window.rows);
    if ((value = value_of(record, "cols")) != NULL)
        return size_read(value, &launch->window.columns);
    if ((value = value_of(record, "xpixel")) != NULL)
        return size_read(value, &launch->window.x_pixels);
    if ((value = value_of(record, "ypixel")) != NULL)
        return size_read(value, &launch->window.y_pixels);
    return true;
}

bool launch_parse(struct launch *launch, const char *text, uint32_t bytes)
{
    uint32_t at = 0;

    *launch = (struct launch){0};
    if (bytes == 0 || memchr(text, 0, bytes) == NULL || value_of(text, "channel") == NULL)
        return false;
    while (at < bytes) {
        const char *end = memchr(text + at, 0, bytes - at);

        if (end == NULL)
            return true; /* the rest of the record is not here */
        if (!record_read(launch, text + at))
            return false;
        at = (uint32_t)(end - text) + 1;
    }
    return true;
}
