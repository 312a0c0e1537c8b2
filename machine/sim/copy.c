/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies between the Nucleus and the current thread's memory: windows first, then the page
 * tables. */
#include "machine/copy.h"

#include "kit/string.h"
#include "machine/mmu.h"
#include "machine/sim/internal.h"
#include "nucleus/site.h"

static char *reach(VmAddr address, uint32_t access, size_t bytes, size_t *room)
{
    struct cpu *cpu = cpu_self();
    size_t page_bytes = (size_t)1 << MACHINE_PAGE_SHIFT;
    size_t window = window_room(address, access == MMU_WRITE);
    struct machine_space *space =
        address < MACHINE_USER_HIGH ? cpu->machine.user : &cpu->machine.supervisor;

    *room = window != 0 ? window : page_bytes - (address & (page_bytes - 1));
    if (*room > bytes)
        *room = bytes;
    if (window != 0)
        return (char *)address;
    return space == NULL ? NULL : mmu_walk(space, address, access);
}

size_t copy_from_space(void *to, VmAddr from, size_t bytes)
{
    size_t done = 0, room;

    for (; done < bytes; done += room) {
        const char *at = reach(from + done, MMU_READ, bytes - done, &room);

        if (at == NULL)
            break;
        memcpy((char *)to + done, at, room);
    }
    return done;
}

size_t copy_to_space(VmAddr to, const void *from, size_t bytes)
{
    size_t done = 0, room;

    for (; done < bytes; done += room) {
        char *at = reach(to + done, MMU_WRITE, bytes - done, &room);

        if (at == NULL)
            break;
        memcpy(at, (const char *)from + done, room);
    }
    return done;
}

size_t copy_string_from_space(char *to, VmAddr from, size_t bytes)
{
    size_t done = 0, room;

    while (done < bytes) {
        const char *at = reach(from + done, MMU_READ, bytes - done, &room);

        if (at == NULL)
            break;
        for (size_t i = 0; i < room; i++) {
            to[done++] = at[i];
            if (at[i] == '\0')
                return done;
        }
    }
    return done;
}
