/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/cpuinfo: what the processor says of itself. The Nucleus runs on one. */
#include "kit/base.h"
#include "kit/string.h"
#include "subsystems/mix/pm/proc_tree.h"

#define LEAVES_MORE 0x80000000u /* its a: the last of these */
#define NAME_FIRST 0x80000002u  /* three leaves of 16 characters */
#define NAME_LEAVES 3u

struct leaf {
    unsigned a, b, c, d;
};

static struct leaf leaf_of(unsigned number)
{
    struct leaf leaf;

    __asm__("cpuid" : "=a"(leaf.a), "=b"(leaf.b), "=c"(leaf.c), "=d"(leaf.d) : "a"(number), "c"(0));
    return leaf;
}

static void put_name(struct proc_text *text)
{
    char name[NAME_LEAVES * sizeof(struct leaf) + 1] = {0};

    if (leaf_of(LEAVES_MORE).a < NAME_FIRST + NAME_LEAVES - 1)
        return;
    for (unsigned i = 0; i < NAME_LEAVES; i++) {
        struct leaf leaf = leaf_of(NAME_FIRST + i);

        memcpy(name + i * sizeof(leaf), &leaf, sizeof(leaf));
    }
    proc_put(text, "model name\t: %s\n", name);
}

void proc_site_processors(struct proc_text *text, struct pm *pm, const struct proc_view *view)
{
    struct leaf vendor = leaf_of(0), version = leaf_of(1);
    const unsigned letters[] = {vendor.b, vendor.d, vendor.c};
    unsigned family = version.a >> 8 & 0xf, model = version.a >> 4 & 0xf;
    char name[sizeof(letters) + 1] = {0};

    (void)pm;
    (void)view;
    memcpy(name, letters, sizeof(letters));
    if (family == 6 || family == 15)
        model |= version.a >> 12 & 0xf0;
    if (family == 15)
        family += version.a >> 20 & 0xff;
    proc_put(text, "processor\t: 0\nvendor_id\t: %s\n", name);
    proc_put(text, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
    put_name(text);
    proc_put(text, "stepping\t: %u\n\n", version.a & 0xf);
}
