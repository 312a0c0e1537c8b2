/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User stacks: a region each, its lowest page without access. The mark in the region tells a stack
 * made here from the one the actor's first thread was given.
 */
#include "lib/chorus/stack.h"

#include "chorus/calls.h"

#define PAGE ((VmSize)4096)
#define STACK_MARK 0x5354u

KnThreadPrivilege stack_privilege(void)
{
    return K_USERTHREAD;
}

/* The topmost word is left for the return address that an entry does not have. */
KnResult stack_take(VmSize bytes, VmAddr *top)
{
    KnRgnDesc region = {.size = ((bytes + PAGE - 1) & ~(PAGE - 1)) + PAGE,
                        .options = K_ANYWHERE | K_READABLE | K_WRITABLE | K_FILLZERO,
                        .opaque2 = STACK_MARK};
    KnResult status = rgnAllocate(K_MYACTOR, &region);

    if (status != K_OK)
        return status;
    KnRgnDesc guard = {.startAddr = region.startAddr, .size = PAGE, .options = K_NOACCESS};

    status = rgnSetProtect(K_MYACTOR, &guard);
    if (status != K_OK) {
        rgnFree(K_MYACTOR, &region);
        return status;
    }
    *top = region.startAddr + region.size - sizeof(uintptr_t);
    return K_OK;
}

/* The stack that holds `address`, guard included. K_EADDR: none of ours. */
static KnResult stack_find(VmAddr address, KnRgnDesc *region)
{
    KnRgnStat stat;
    KnResult status = rgnStat(K_MYACTOR, address, &stat);

    if (status != K_OK)
        return status;
    if (stat.rsOpaque2 != STACK_MARK)
        return K_EADDR;
    *region = (KnRgnDesc){.startAddr = stat.rsStart - PAGE, .size = stat.rsSize + PAGE};
    return K_OK;
}

KnResult stack_give(VmAddr top)
{
    KnRgnDesc region;
    KnResult status = stack_find(top, &region);

    return status == K_OK ? rgnFree(K_MYACTOR, &region) : status;
}

/* Between the two calls there is no stack; `region` lies on what the first one frees, which
 * reads it first. */
_Noreturn static void leave(KnRgnDesc *region)
{
    __asm__ volatile(
        "syscall\n\t"
        "xorl %%edi, %%edi\n\t"
        "movl %[myself], %%esi\n\t"
        "movl %[thread_delete], %%eax\n\t"
        "syscall\n\t"
        "ud2"
        :
        : "a"(K_CALLBASE + K_CALL_rgnFree), "D"(K_MYACTOR),
          "S"(region), [myself] "i"(K_MYSELF), [thread_delete] "i"(K_CALLBASE + K_CALL_threadDelete)
        : "rcx", "r11", "memory");
    __builtin_unreachable();
}

void stack_leave(void)
{
    KnRgnDesc region;

    if (stack_find((VmAddr)&region, &region) == K_OK)
        leave(&region);
    for (;;)
        threadDelete(K_MYACTOR, K_MYSELF);
}
