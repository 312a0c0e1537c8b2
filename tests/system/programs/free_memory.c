/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints how many KiB of memory are free. */
#include <stdio.h>
#include <sys/sysinfo.h>

int main(void)
{
    struct sysinfo info;

    if (sysinfo(&info) < 0)
        return 1;
    printf("%lu\n", info.freeram * info.mem_unit / 1024);
    return 0;
}
