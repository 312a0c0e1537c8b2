/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve. All that can be checked is checked while the old program stands: the file, its headers,
 * the interpreter, the texts. Then the old memory goes, and what fails after that ends the process.
 */
#include "subsystems/mix/pm/exec.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/format.h"
#include "kit/string.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/elf.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/path.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/user.h"
#include "subsystems/mix/pm/x86_64/context.h"

#define HEAD_BYTES 256u
#define SCRIPT_DEPTH 4
#define TEXTS_FIRST_BYTES 16384u
#define TEXTS_MAX_BYTES (1024u * 1024u)
#define STRINGS_MAX 65536u
#define STACK_MARGIN_BYTES 4096u
#define GROUP_EXECUTE 0010u

enum {
    AT_NULL = 0,
    AT_PHDR = 3,
    AT_PHENT = 4,
    AT_PHNUM = 5,
    AT_PAGESZ = 6,
    AT_BASE = 7,
    AT_FLAGS = 8,
    AT_ENTRY = 9,
    AT_UID = 11,
    AT_EUID = 12,
    AT_GID = 13,
    AT_EGID = 14,
    AT_CLKTCK = 17,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_EXECFN = 31
};

struct image {
    struct file *file;
    struct elf_program program;
};

struct plan {
    struct image main, interpreter;
    uint64_t main_base, interpreter_base;
    struct credentials who; /* of the new program */
    const char *path;       /* as the caller named it */
};

/* ---- Finding the program ----------------------------------------------------------------- */

static long image_open(struct task *task, const char *path, uint32_t flags, struct image *image,
                       char *head, size_t *head_bytes)
{
    long result = path_open_program(task, path, flags, &image->file);

    if (result < 0)
        return result;
    uint64_t offset = 0;

    result = regular_operations.read(task, image->file, (VmAddr)head, HEAD_BYTES, &offset);
    if (result < 0)
        return result;
    *head_bytes = (size_t)result;
    return 0;
}

/* "#!interpreter [argument]": puts both before the path in place of the first argument. */
static long script_apply(struct exec_texts *texts, const char *path, char *head, size_t head_bytes,
                         char *interpreter)
{
    char *end = memchr(head, '\n', head_bytes);
    char *name = head + 2, *argument;
    size_t path_bytes = strlen(path) + 1, first_bytes, more;

    if (end == NULL)
        end = head + head_bytes - (head_bytes == HEAD_BYTES);
    *end = '\0';
    while (*name == ' ' || *name == '\t')
        name++;
    argument = name;
    while (*argument != '\0' && *argument != ' ' && *argument != '\t')
        argument++;
    if (argument == name || (end == head + HEAD_BYTES - 1 && *argument == '\0'))
        return -ENOEXEC;
    if (*argument != '\0')
        *argument++ = '\0';
    while (*argument == ' ' || *argument == '\t')
        argument++;
    for (char *tail = argument + strlen(argument);
         tail > argument && (tail[-1] == ' ' || tail[-1] == '\t');)
        *--tail = '\0';
    size_t name_bytes = strlen(name) + 1;
    size_t argument_bytes = *argument == '\0' ? 0 : strlen(argument) + 1;

    first_bytes = texts->argument_count > 0 ? strlen(texts->bytes) + 1 : 0;
    more = name_bytes + argument_bytes + path_bytes;
    if (more > texts->room_bytes - (texts->used_bytes - first_bytes))
        return -E2BIG;
    memmove(texts->bytes + more, texts->bytes + first_bytes, texts->used_bytes - first_bytes);
    memcpy(texts->bytes, name, name_bytes);
    memcpy(texts->bytes + name_bytes, argument, argument_bytes);
    memmove(texts->bytes + name_bytes + argument_bytes, path, path_bytes);
    texts->used_bytes += more - first_bytes;
    texts->argument_count += 1 + (argument_bytes != 0) + (first_bytes == 0);
    return strlcpy(interpreter, name, PATH_MAX) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static long find_program(struct task *task, char *path, uint32_t flags, struct exec_texts *texts,
                         struct image *image)
{
    char head[HEAD_BYTES + 1];
    size_t head_bytes = 0;

    for (int depth = 0; depth <= SCRIPT_DEPTH; depth++) {
        long result = image_open(task, path, depth == 0 ? flags : 0, image, head, &head_bytes);

        if (result < 0)
            return result;
        if (head_bytes < 2 || head[0] != '#' || head[1] != '!')
            return elf_read(&image->program, image->file, head, head_bytes);
        if ((flags & O_CLOEXEC) != 0)
            return -ENOENT; /* its interpreter would not find it any more */
        head[head_bytes] = '\0';
        file_drop(task->process->pm, image->file);
        image->file = NULL;
        result = script_apply(texts, path, head, head_bytes, path);
        if (result < 0)
            return result;
    }
    return -ELOOP;
}

static long find_interpreter(struct task *task, struct plan *plan)
{
    char head[HEAD_BYTES];
    size_t head_bytes = 0;
    long result;

    if (plan->main.program.interpreter[0] == '\0')
        return 0;
    result =
        image_open(task, plan->main.program.interpreter, 0, &plan->interpreter, head, &head_bytes);
    if (result == 0)
        result = elf_read(&plan->interpreter.program, plan->interpreter.file, head, head_bytes);
    if (result == 0 && !plan->interpreter.program.position_independent)
        result = -ENOEXEC;
    return result;
}

/* Set-id bits lend the rights of the file's owner or group; without leave to execute for the group,
 * its bit means something else. Of a script they are the interpreter's. */
static long find_credentials(struct task *task, struct plan *plan)
{
    const struct process *process = task->process;
    struct credentials *who = &plan->who;
    struct linux_stat stat;
    long result;

    ASSERT(plan->main.file->operations == &regular_operations);
    *who = process->who;
    if ((plan->main.file->mode & (S_ISUID | S_ISGID)) != 0 && !process->no_new_privileges) {
        result = path_stat_file(task, plan->main.file, &stat);
        if (result < 0)
            return result;
        if ((stat.mode & S_ISUID) != 0)
            who->euid = stat.uid;
        if ((stat.mode & (S_ISGID | GROUP_EXECUTE)) == (S_ISGID | GROUP_EXECUTE))
            who->egid = stat.gid;
    }
    who->suid = who->fsuid = who->euid;
    who->sgid = who->fsgid = who->egid;
    return 0;
}

/* ---- Replacing the old program ----------------------------------------------------------- */

/* Other tasks end; returns when this one is alone, and has the process' number. If two want to be,
 * the first is: the second ends. */
static long become_alone(struct task *task)
{
    struct process *process = task->process;
    struct pm *pm = process->pm;
    struct task *other;

    mutexGet(&pm->lock);
    if (process->alone != NULL) {
        mutexRel(&pm->lock);
        return MIX_AGAIN;
    }
    process->alone = task;
    while (process->task_count > 1 && !process->exiting) {
        uint32_t word = process->task_word;

        LIST_FOR_EACH(other, &process->tasks, in_process) {
            if (other != task)
                (void)threadAbort(&process->actor, other->lid);
        }
        mutexRel(&pm->lock);
        (void)syncWait((VmAddr)&process->task_word, word, 10000000, 0);
        mutexGet(&pm->lock);
    }
    process->alone = NULL;
    task->tid = process->pid;
    mutexRel(&pm->lock);
    return process->exiting ? MIX_AGAIN : 0;
}

static void signals_reset(struct task *task)
{
    struct process *process = task->process;

    for (int32_t i = 1; i <= SIGNAL_COUNT; i++) {
        if (process->actions[i].handler != SIG_IGN)
            process->actions[i] = (struct linux_sigaction){0};
    }
    task->alternate = (struct linux_sigaltstack){.flags = SS_DISABLE};
    task->clear_tid = 0;
    task->robust_list = 0;
    task->resume = (struct resume){0};
}

static void names_set(struct process *process, const char *path, struct file *program)
{
    struct pm *pm = process->pm;
    const char *base = strrchr(path, '/');

    mutexGet(&pm->lock);
    struct file *old = process->executable;

    program->references++;
    process->executable = program;
    strlcpy(process->command, base != NULL ? base + 1 : path, sizeof(process->command));
    mutexRel(&pm->lock);
    if (old != NULL)
        file_drop(pm, old);
    (void)actorName(&process->actor, NULL, process->command);
}

static long space_clear(struct process *process)
{
    KnRgnDesc all = {.startAddr = 0x10000, .size = MEMORY_TOP - 0x10000};
    KnResult status;

    do
        status = rgnFree(&process->actor, &all);
    while (user_after_signal(status));
    return status == K_OK ? 0 : errno_of(status);
}

static long space_fill(struct process *process, struct plan *plan)
{
    struct elf_program *program = &plan->main.program;
    KnRgnDesc stack = {.options = K_READABLE | K_WRITABLE | K_FILLZERO | K_INHERITCOPY};
    KnResult status = K_OK;
    long result;

    plan->main_base = program->position_independent ? MEMORY_PIE_BASE : 0;
    plan->interpreter_base = MEMORY_MAP_TOP;
    stack.size =
        ALIGN_UP(MIN(process->limits[RLIMIT_STACK].current, UINT64_C(64) << 20), PAGE_BYTES);
    stack.startAddr = MEMORY_TOP - STACK_MARGIN_BYTES - stack.size;
    result = elf_map(program, process, plan->main.file, plan->main_base);
    if (result == 0 && plan->interpreter.file != NULL)
        result = elf_map(&plan->interpreter.program, process, plan->interpreter.file,
                         plan->interpreter_base);
    while (result == 0 && user_after_signal(status = rgnAllocate(&process->actor, &stack)))
        continue;
    if (result == 0 && status != K_OK)
        result = errno_of(status);
    process->heap_start = process->heap_end = ALIGN_UP(plan->main_base + program->high, PAGE_BYTES);
    process->layout.image_start = plan->main_base + program->low;
    process->layout.image_end = process->heap_start;
    process->layout.stack_start = stack.startAddr;
    process->layout.stack_end = stack.startAddr + stack.size;
    return result;
}

/* ---- The new stack ----------------------------------------------------------------------- */

struct stack {
    uint64_t *word; /* on PM's heap */
    uint32_t count, limit;
};

static void stack_word(struct stack *stack, uint64_t value)
{
    ASSERT(stack->count < stack->limit);
    stack->word[stack->count++] = value;
}

static void stack_auxiliary(struct stack *stack, uint64_t kind, uint64_t value)
{
    stack_word(stack, kind);
    stack_word(stack, value);
}

static void stack_strings(struct stack *stack, const char *text, VmAddr at, uint32_t count,
                          size_t *offset)
{
    for (uint32_t i = 0; i < count; i++) {
        stack_word(stack, at + *offset);
        *offset += strlen(text + *offset) + 1;
    }
    stack_word(stack, 0);
}

static void stack_fill(struct stack *stack, const struct plan *plan, const struct exec_texts *texts,
                       VmAddr texts_at, VmAddr random_at)
{
    const struct elf_program *program = &plan->main.program;
    const struct credentials *who = &plan->who;
    size_t offset = 0;

    stack_word(stack, texts->argument_count);
    stack_strings(stack, texts->bytes, texts_at, texts->argument_count, &offset);
    stack_strings(stack, texts->bytes, texts_at, texts->environment_count, &offset);
    if (program->headers_address != 0)
        stack_auxiliary(stack, AT_PHDR, plan->main_base + program->headers_address);
    stack_auxiliary(stack, AT_PHENT, 56);
    stack_auxiliary(stack, AT_PHNUM, program->header_count);
    stack_auxiliary(stack, AT_PAGESZ, PAGE_BYTES);
    stack_auxiliary(stack, AT_BASE, plan->interpreter.file != NULL ? plan->interpreter_base : 0);
    stack_auxiliary(stack, AT_FLAGS, 0);
    stack_auxiliary(stack, AT_ENTRY, plan->main_base + program->entry);
    stack_auxiliary(stack, AT_UID, who->uid);
    stack_auxiliary(stack, AT_EUID, who->euid);
    stack_auxiliary(stack, AT_GID, who->gid);
    stack_auxiliary(stack, AT_EGID, who->egid);
    stack_auxiliary(stack, AT_CLKTCK, 100);
    stack_auxiliary(stack, AT_SECURE, who->uid != who->euid || who->gid != who->egid);
    stack_auxiliary(stack, AT_RANDOM, random_at);
    stack_auxiliary(stack, AT_EXECFN, texts_at + texts->used_bytes);
    stack_auxiliary(stack, AT_NULL, 0);
}

static void layout_texts(struct program_layout *layout, const struct exec_texts *texts, VmAddr at)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < texts->argument_count; i++)
        bytes += strlen(texts->bytes + bytes) + 1;
    layout->arguments_start = at;
    layout->environment_start = at + bytes;
    layout->environment_end = at + texts->used_bytes;
}

/* Lays the path, texts, random bytes and the table of words on the new stack; `top` becomes the
 * stack pointer. */
static long stack_build(struct process *process, const struct plan *plan,
                        const struct exec_texts *texts, VmAddr *top)
{
    struct heap *heap = &process->pm->heap;
    struct stack stack = {.limit = texts->argument_count + texts->environment_count + 48};
    size_t path_bytes = strlen(plan->path) + 1;
    VmAddr texts_at = *top - path_bytes - texts->used_bytes;
    VmAddr random_at = ALIGN_DOWN(texts_at - 16, 16);
    uint8_t random[16];
    long result;

    stack.word = heap_allocate(heap, stack.limit * sizeof(uint64_t));
    if (stack.word == NULL)
        return -ENOMEM;
    pm_random(process->pm, random, sizeof(random));
    stack_fill(&stack, plan, texts, texts_at, random_at);
    *top = ALIGN_DOWN(random_at - stack.count * sizeof(uint64_t), 16);
    layout_texts(&process->layout, texts, texts_at);
    process->layout.first_stack_pointer = *top;
    result = user_write(texts_at, texts->bytes, texts->used_bytes);
    if (result == 0)
        result = user_write(texts_at + texts->used_bytes, plan->path, path_bytes);
    if (result == 0)
        result = user_write(random_at, random, sizeof(random));
    if (result == 0)
        result = user_write(*top, stack.word, stack.count * sizeof(uint64_t));
    heap_free(heap, stack.word, stack.limit * sizeof(uint64_t));
    return result;
}

/* ---- All together ------------------------------------------------------------------------ */

static long replace_program(struct task *task, KnThreadCtx *context, struct plan *plan,
                            const struct exec_texts *texts)
{
    struct process *process = task->process;
    VmAddr top = MEMORY_TOP - STACK_MARGIN_BYTES;
    long result = become_alone(task);

    if (result < 0)
        return result;
    mutexGet(&process->pm->lock);
    process->who = plan->who;
    mutexRel(&process->pm->lock);
    result = space_clear(process);
    if (result == 0)
        result = space_fill(process, plan);
    if (result == 0)
        result = stack_build(process, plan, texts, &top);
    if (result == MIX_AGAIN) /* a signal came that ends the process; it does so at the exit */
        return result;
    if (result < 0) {
        process_end(process, SIGKILL);
        return 0;
    }
    timers_end(process);
    descriptors_close_on_exec(process);
    signals_reset(task);
    names_set(process, plan->path, plan->main.file);
    context_start(context,
                  plan->interpreter.file != NULL
                      ? plan->interpreter_base + plan->interpreter.program.entry
                      : plan->main_base + plan->main.program.entry,
                  top);
    mutexGet(&process->pm->lock);
    vfork_release(process);
    mutexRel(&process->pm->lock);
    return 0;
}

long exec_program(struct task *task, KnThreadCtx *context, const char *path, uint32_t flags,
                  struct exec_texts *texts)
{
    struct pm *pm = task->process->pm;
    struct plan *plan = heap_allocate(&pm->heap, sizeof(*plan));
    char *name = heap_allocate(&pm->heap, PATH_MAX);
    long result = -ENOMEM;

    if (plan != NULL && name != NULL) {
        strlcpy(name, path, PATH_MAX);
        plan->path = path;
        result = find_program(task, name, flags, texts, &plan->main);
        if (result == 0)
            result = find_interpreter(task, plan);
        if (result == 0)
            result = find_credentials(task, plan);
        if (result == 0)
            result = replace_program(task, context, plan, texts);
    }
    if (plan != NULL && plan->main.file != NULL)
        file_drop(pm, plan->main.file);
    if (plan != NULL && plan->interpreter.file != NULL)
        file_drop(pm, plan->interpreter.file);
    heap_free(&pm->heap, plan, sizeof(*plan));
    heap_free(&pm->heap, name, PATH_MAX);
    return result;
}

/* ---- The call ---------------------------------------------------------------------------- */

static long strings_read(struct exec_texts *texts, VmAddr vector, uint32_t *count)
{
    for (*count = 0; vector != 0; ++*count, vector += sizeof(uint64_t)) {
        uint64_t address;
        long result = user_read(&address, vector, sizeof(address));

        if (result < 0)
            return result;
        if (address == 0)
            break;
        if (*count == STRINGS_MAX || texts->used_bytes == texts->room_bytes)
            return -E2BIG;
        result = user_string(texts->bytes + texts->used_bytes, address,
                             texts->room_bytes - texts->used_bytes);
        if (result < 0)
            return result == -ENAMETOOLONG ? -E2BIG : result;
        texts->used_bytes += (size_t)result + 1;
    }
    return 0;
}

static long texts_read(struct heap *heap, struct exec_texts *texts, VmAddr arguments,
                       VmAddr environment, size_t room_bytes)
{
    long result;

    *texts =
        (struct exec_texts){.room_bytes = room_bytes, .bytes = heap_allocate(heap, room_bytes)};
    if (texts->bytes == NULL)
        return -ENOMEM;
    result = strings_read(texts, arguments, &texts->argument_count);
    if (result == 0)
        result = strings_read(texts, environment, &texts->environment_count);
    /* Room for what scripts put in front. */
    if (result == 0 && texts->room_bytes - texts->used_bytes < 2 * PATH_MAX)
        result = -E2BIG;
    if (result < 0)
        heap_free(heap, texts->bytes, room_bytes);
    return result;
}

static long exec_text(struct task *task, KnThreadCtx *context, const char *path, VmAddr arguments,
                      VmAddr environment, uint32_t flags)
{
    struct heap *heap = &task->process->pm->heap;
    struct exec_texts texts;
    long result = 0;

    for (size_t room = TEXTS_FIRST_BYTES; result >= 0; room *= 8) {
        result = texts_read(heap, &texts, arguments, environment, room);
        if (result == 0) {
            result = exec_program(task, context, path, flags, &texts);
            heap_free(heap, texts.bytes, texts.room_bytes);
            break;
        }
        if (result == -E2BIG && room * 8 <= TEXTS_MAX_BYTES)
            result = 0;
    }
    return result == 0 ? MIX_CONTEXT_SET : result;
}

/* What Linux calls a program that was named by a descriptor: so its interpreter finds it, if it is
 * a script. O_CLOEXEC where that name is gone by then. */
static long name_at(struct task *task, int32_t directory, char *name, size_t length)
{
    struct file *file;
    char prefix[24];
    size_t bytes;

    if (name[0] == '/' || (directory == AT_FDCWD && length > 0))
        return 0;
    if (directory == AT_FDCWD)
        return strlcpy(name, ".", PATH_MAX) < PATH_MAX ? 0 : -ENAMETOOLONG;
    file = descriptor_get(task->process, directory);
    if (file == NULL)
        return -EBADF;
    bool is_directory =
        file->operations == &directory_operations || file->operations == &proc_directory_operations;

    file_drop(task->process->pm, file);
    if (length > 0 && !is_directory)
        return -ENOTDIR;
    format(prefix, sizeof(prefix), "/dev/fd/%d%s", directory, length > 0 ? "/" : "");
    bytes = strlen(prefix);
    if (bytes + length >= PATH_MAX)
        return -ENAMETOOLONG;
    memmove(name + bytes, name, length + 1);
    memcpy(name, prefix, bytes);
    return descriptor_flag(task->process, directory, false, false) > 0 ? O_CLOEXEC : 0;
}

long sys_execveat(struct task *task, KnThreadCtx *context, int32_t directory, VmAddr path,
                  VmAddr arguments, VmAddr environment, uint32_t flags)
{
    struct heap *heap = &task->process->pm->heap;
    char *name = heap_allocate(heap, PATH_MAX);
    long result = name == NULL ? -ENOMEM : user_string(name, path, PATH_MAX);

    if (result >= 0 && (flags & ~(uint32_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0)
        result = -EINVAL;
    if (result == 0 && (flags & AT_EMPTY_PATH) == 0)
        result = -ENOENT;
    if (result >= 0)
        result = name_at(task, directory, name, (size_t)result);
    if (result >= 0)
        result =
            exec_text(task, context, name, arguments, environment,
                      (uint32_t)result | ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? O_NOFOLLOW : 0));
    heap_free(heap, name, PATH_MAX);
    return result;
}

long sys_execve(struct task *task, KnThreadCtx *context, VmAddr path, VmAddr arguments,
                VmAddr environment)
{
    return sys_execveat(task, context, AT_FDCWD, path, arguments, environment, 0);
}
