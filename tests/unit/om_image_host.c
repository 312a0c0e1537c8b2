/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/om_image_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support.h"

int image_command(uint8_t *bytes, uint64_t size, const char *command, char *output, size_t room)
{
    char path[] = "/tmp/om-disk-XXXXXX", text[500];
    int file = mkstemp(path), status;
    size_t count;

    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, (off_t)size), 0);
    assert_int_equal(pwrite(file, bytes, size, 0), size);
    snprintf(text, sizeof(text), command, path);
    FILE *pipe = popen(text, "r");

    assert_non_null(pipe);
    count = fread(output, 1, room - 1, pipe);
    output[count] = '\0';
    status = pclose(pipe);
    assert_int_equal(pread(file, bytes, size, 0), size);
    close(file);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
