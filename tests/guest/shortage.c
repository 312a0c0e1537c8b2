/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that find no memory. Each is made with its first allocation failing, then its second, and
 * so on until it succeeds: it must then have said K_ENOMEM at least once, and by no failure lost
 * anything, for the runner compares what the site has.
 */
#include "chorus/trap.h"

#include "kit/string.h"
#include "tests/guest/case.h"

#define STACK_BYTES 16384u
#define BODY_BYTES 20000u
#define ALLOCATIONS_MAX 200u
#define APART ((VmSize)1 << 30) /* regions so far apart share few page tables */
#define IMAGE_BYTES 4096
#define TRAP 78
#define END_NS (2000 * GUEST_MS)

struct scene {
    struct guest *guest;
    VmSize page;
    VmAddr body;     /* BODY_BYTES that are there */
    KnUniqueId port; /* a port of this actor */
    int32_t li;
    KnCap helper; /* has one thread, which waits to be started */
};

/* A call, or a few, that leave nothing behind whatever they return. */
struct attempt {
    const char *name;
    KnResult (*make)(struct scene *scene);
};

static VmAddr region(VmSize bytes)
{
    KnRgnDesc desc = {.size = bytes, .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO};

    return rgnAllocate(K_MYACTOR, &desc) == K_OK ? desc.startAddr : 0;
}

static void try_until_it_succeeds(struct scene *scene, const struct attempt *attempt)
{
    struct guest *guest = scene->guest;
    uint32_t refusals = 0;
    uint64_t left = 0;
    KnResult result;

    for (uint64_t nth = 1; nth < ALLOCATIONS_MAX && left == 0; nth++) {
        EXPECT_EQ(svFailMemory(nth, NULL), K_OK);
        result = attempt->make(scene);
        EXPECT_EQ(svFailMemory(0, &left), K_OK);
        refusals += result == K_ENOMEM;
        if (!EXPECT(result >= 0 || (result == K_ENOMEM && left == 0)))
            log_print("%s: %s\n", attempt->name, strSysError(result));
    }
    EXPECT(left != 0);
    if (!EXPECT(refusals > 0))
        log_print("%s never refused\n", attempt->name);
}

/* ---- Actors and threads ---------------------------------------------------------------------- */

static KnResult load(struct scene *scene)
{
    KnStartInfo start;
    KnCap actor;
    KnResult result = actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE);

    (void)scene;
    if (result != K_OK)
        return result;
    result = svActorLoad(&actor, "case/shortage", &start);
    (void)actorDelete(&actor);
    return result;
}

static KnResult read_extended(struct scene *scene)
{
    char image[IMAGE_BYTES];
    KnThreadStat thread;
    KnResult result = threadStat(&scene->helper, 0, &thread);

    if (result != K_OK)
        return result;
    return threadExtended(&scene->helper, thread.tsLid, image, NULL, sizeof(image));
}

/* ---- Ports and messages ---------------------------------------------------------------------- */

static KnResult declare(struct scene *scene)
{
    KnUniqueId ui;
    KnResult result;

    (void)scene;
    uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), 0x3042);
    result = portDeclare(K_MYACTOR, &ui);
    if (result > 0)
        (void)portDelete(K_MYACTOR, (int32_t)result);
    return result;
}

static KnMsgDesc with_body(const struct scene *scene)
{
    return (KnMsgDesc){.bodySize = BODY_BYTES, .bodyAddr = scene->body};
}

static KnResult send(struct scene *scene)
{
    KnIpcDest to = {scene->port, {0, 0}};
    KnMsgDesc message = with_body(scene), empty = {0};
    KnResult result = ipcSend(&message, K_DEFAULTPORT, &to);
    int32_t li = scene->li;

    (void)ipcReceive(&empty, &li, K_NOBLOCK);
    (void)ipcReceive(&empty, &li, K_NOBLOCK); /* lets go of what the first received */
    return result;
}

/* Nobody answers: a call that got so far has had what it needs. */
static KnResult call(struct scene *scene)
{
    KnIpcDest to = {scene->port, {0, 0}};
    KnMsgDesc message = with_body(scene), empty = {0};
    KnResult result = ipcCall(&message, K_DEFAULTPORT, &to, &empty, K_NOBLOCK);

    return result == K_ETIMEOUT ? K_OK : result;
}

struct client {
    struct scene *scene;
    volatile KnResult result;
};

static void client_call(uintptr_t argument)
{
    struct client *client = (struct client *)argument;
    KnIpcDest to = {client->scene->port, {0, 0}};
    KnMsgDesc empty = {0};

    client->result = ipcCall(&empty, K_DEFAULTPORT, &to, &empty, K_NOTIMEOUT);
}

/* A request is there to be answered. */
static void client_start(struct scene *scene, struct client *client)
{
    struct guest *guest = scene->guest;
    KnMsgDesc empty = {0};
    KnThreadLid lid;
    int32_t li = scene->li;

    *client = (struct client){.scene = scene, .result = K_EBUSY};
    REQUIRE(thread_launch(&lid, client_call, (uintptr_t)client, STACK_BYTES, NULL) >= 0);
    EXPECT_EQ(ipcReceive(&empty, &li, K_NOTIMEOUT), 0);
}

/* Its client gets the answer, whatever went before. */
static void client_end(struct scene *scene, struct client *client, KnResult expected)
{
    struct guest *guest = scene->guest;

    for (uint32_t i = 0; i < 1000 && client->result == K_EBUSY; i++)
        (void)threadDelay(100000);
    EXPECT_EQ(client->result, expected);
}

static KnResult reply(struct scene *scene)
{
    KnMsgDesc message = with_body(scene);

    return ipcReply(&message);
}

static KnResult reply_receive(struct scene *scene)
{
    KnMsgDesc message = with_body(scene), empty = {0};
    int32_t li = scene->li;
    KnResult result = ipcReplyReceive(&message, &empty, &li, K_NOBLOCK);

    return result == K_ETIMEOUT ? K_OK : result;
}

/* ---- Regions and segments -------------------------------------------------------------------- */

/* Three pages, of whose middle one something is asked: the region is then cut. */
static KnResult with_middle(struct scene *scene, KnResult (*ask)(KnCap *actor, KnRgnDesc *middle),
                            VmFlags options)
{
    KnRgnDesc desc = {.size = 3 * scene->page,
                      .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO | K_INHERITCOPY};
    KnRgnDesc middle = {.size = scene->page, .options = options};
    KnCap actor;
    KnResult result = actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE);

    if (result != K_OK)
        return result;
    result = rgnAllocate(&actor, &desc);
    middle.startAddr = desc.startAddr + scene->page;
    if (result == K_OK)
        result = ask(&actor, &middle);
    (void)actorDelete(&actor);
    return result;
}

static KnResult free_middle(struct scene *scene)
{
    return with_middle(scene, rgnFree, 0);
}

static KnResult protect_middle(struct scene *scene)
{
    return with_middle(scene, rgnSetProtect, K_READABLE);
}

static KnResult inherit_middle(struct scene *scene)
{
    return with_middle(scene, rgnSetInherit, K_INHERITSHARE);
}

static KnResult dup_into_new(KnCap *actor, KnRgnDesc *middle)
{
    KnCap copy;
    KnResult result = actorCreate(K_MYACTOR, &copy, K_USERACTOR, K_ACTIVE);

    (void)middle;
    if (result != K_OK)
        return result;
    result = rgnDup(&copy, actor);
    (void)actorDelete(&copy);
    return result;
}

static KnResult dup(struct scene *scene)
{
    return with_middle(scene, dup_into_new, 0);
}

static KnResult create_segment(struct scene *scene)
{
    KnCap segment;
    KnResult result = sgCreate(&segment, scene->page);

    if (result == K_OK)
        (void)sgDestroy(&segment);
    return result;
}

/* ---- Supervisor ------------------------------------------------------------------------------ */

static KnResult allocate_pages(struct scene *scene)
{
    KnRgnDesc desc = {.size = 2 * scene->page, .options = K_WRITABLE | K_ANYWHERE};
    uint64_t physical;
    KnResult result = svPagesAllocate(&desc, &physical);

    if (result == K_OK)
        (void)rgnFree(K_MYACTOR, &desc);
    return result;
}

static KnResult map_physical(struct scene *scene)
{
    KnRgnDesc desc = {.size = scene->page, .options = K_WRITABLE | K_ANYWHERE};
    KnResult result = svPhysMap(&desc, (uint64_t)1 << 40, 1);

    if (result == K_OK)
        (void)rgnFree(K_MYACTOR, &desc);
    return result;
}

static KnItResult ignore(void *cookie)
{
    (void)cookie;
    return K_IT_CONTINUE;
}

static KnResult connect_line(struct scene *scene)
{
    KnResult result = svItConnect(20, ignore, scene, 0);

    if (result == K_OK)
        (void)svItDisconnect(20, ignore, scene);
    return result;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* Asks its owner to copy from and to memory that nobody has touched. */
CASE_ACTOR(trap_with_untouched)
{
    KnRgnDesc desc = {.size = 3 * APART, .options = K_ANYWHERE | K_WRITABLE | K_FILLZERO};

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &desc), K_OK);
    VmAddr first = desc.startAddr + APART / 2;
    const uintptr_t words[TRAP_WORDS] = {first, first + APART, first + 2 * APART};

    EXPECT_EQ(trap_raise(TRAP, words), 1);
}

static bool scene_make(struct scene *scene, struct guest *guest)
{
    KnSiteStat site;

    *scene = (struct scene){.guest = guest, .body = region(BODY_BYTES)};
    if (!EXPECT(scene->body != 0) || !EXPECT_EQ(siteStat(&site), K_OK))
        return false;
    scene->page = site.ssPageBytes;
    for (uint32_t i = 0; i < BODY_BYTES; i++)
        mem_store8(scene->body + i, (uint8_t)i);
    scene->li = (int32_t)portCreate(K_MYACTOR, &scene->port);
    return EXPECT(scene->li > 0) &&
           EXPECT_EQ(guest_create(guest, trap_with_untouched, K_USERACTOR, 0, &scene->helper),
                     K_OK);
}

CASE(calls_refuse_and_then_succeed)
{
    static const struct attempt attempts[] = {
        {"svActorLoad", load},
        {"threadExtended", read_extended},
        {"portDeclare", declare},
        {"ipcSend", send},
        {"ipcCall", call},
        {"rgnFree", free_middle},
        {"rgnSetProtect", protect_middle},
        {"rgnSetInherit", inherit_middle},
        {"rgnDup", dup},
        {"sgCreate", create_segment},
        {"svPagesAllocate", allocate_pages},
        {"svPhysMap", map_physical},
        {"svItConnect", connect_line},
    };
    struct scene scene;

    REQUIRE(scene_make(&scene, guest));
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
        try_until_it_succeeds(&scene, &attempts[i]);
    EXPECT_EQ(actorDelete(&scene.helper), K_OK);
}

/* The request stays the server's until an answer has gone. */
CASE(answers_refuse_and_then_succeed)
{
    static const struct attempt attempts[] = {
        {"ipcReply", reply},
        {"ipcReplyReceive", reply_receive},
    };
    struct client client;
    struct scene scene;

    REQUIRE(scene_make(&scene, guest));
    for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
        uint64_t left = 0;

        for (uint64_t nth = 1; nth < ALLOCATIONS_MAX && left == 0; nth++) {
            client_start(&scene, &client);
            EXPECT_EQ(svFailMemory(nth, NULL), K_OK);
            KnResult result = attempts[i].make(&scene);

            EXPECT_EQ(svFailMemory(0, &left), K_OK);
            EXPECT_EQ(result, left == 0 ? K_ENOMEM : K_OK);
            if (result == K_ENOMEM)
                EXPECT_EQ(attempts[i].make(&scene), K_OK);
            client_end(&scene, &client, BODY_BYTES);
        }
        EXPECT(left != 0);
    }
    EXPECT_EQ(actorDelete(&scene.helper), K_OK);
}

/* Takes the words of a trap for addresses of memory that nobody has touched. */
static void copy_by_trap(KnThreadCtx *context, uintptr_t unused, void *cookie)
{
    struct scene *scene = cookie;
    struct guest *guest = scene->guest;
    char text[8] = "";

    (void)unused;
    EXPECT_EQ(svFailMemory(1, NULL), K_OK);
    EXPECT_EQ(svCopyIn(trap_word(context, 0), text, sizeof(text)), K_ENOMEM);
    EXPECT_EQ(svFailMemory(1, NULL), K_OK);
    EXPECT_EQ(svCopyInString(trap_word(context, 1), text, sizeof(text)), K_ENOMEM);
    EXPECT_EQ(svFailMemory(1, NULL), K_OK);
    EXPECT_EQ(svCopyOut("lost", trap_word(context, 2), sizeof("lost")), K_ENOMEM);

    /* what was refused is possible now */
    EXPECT_EQ(svCopyIn(trap_word(context, 0), text, sizeof(text)), K_OK);
    EXPECT_EQ(svCopyInString(trap_word(context, 1), text, sizeof(text)), 0);
    EXPECT_EQ(svCopyOut("abcdefgh", trap_word(context, 2), sizeof(text)), K_OK);
    EXPECT_EQ(svCopyInString(trap_word(context, 2), text, sizeof(text)), K_ETOOMUCH);
    trap_result_set(context, 1);
}

CASE(copies_refuse_and_then_succeed)
{
    struct scene scene;

    REQUIRE(scene_make(&scene, guest));
    EXPECT_EQ(svTrapConnect(&scene.helper, copy_by_trap, &scene), K_OK);
    EXPECT_EQ(actorStart(&scene.helper), K_OK);
    EXPECT_EQ(guest_wait_end(&scene.helper, END_NS), K_OK);
}

/* All that end with this actor; the next run of this case finds them again. */
CASE(message_sources_run_out)
{
    KnResult status = K_OK;
    KnItMessage message;
    uint32_t count = 0;

    for (; count < 1000 && status == K_OK; count++)
        status = svItMessage(&message);
    EXPECT_EQ(status, K_ENOMEM);
    EXPECT(count > 32);
}

CASE_ACTOR(take_all_sources)
{
    KnItMessage message;

    while (svItMessage(&message) == K_OK)
        ;
}

CASE(message_sources_come_back)
{
    KnItMessage message;
    KnCap actor;

    REQUIRE_EQ(guest_start(guest, take_all_sources, K_SUPACTOR, 0, &actor), K_OK);
    EXPECT_EQ(guest_wait_end(&actor, END_NS), K_OK);
    EXPECT_EQ(svItMessage(&message), K_OK);
}

CASE(failing_by_order)
{
    uint64_t left = 7;

    EXPECT_EQ(svFailMemory(1000000, &left), K_OK);
    EXPECT_EQ(left, 0);
    EXPECT_EQ(svFailMemory(5, (uint64_t *)8), K_EFAULT);
    EXPECT_EQ(svFailMemory(0, &left), K_OK);
    EXPECT(left > 0 && left <= 1000000);
    EXPECT_EQ(svFailMemory(0, &left), K_OK);
    EXPECT_EQ(left, 0);
}

CASE(failing_is_not_for_users)
{
    EXPECT_EQ(svFailMemory(1, NULL), K_EPRIV);
}

static const struct guest_entry entries[] = {
    CASE_SUPERVISOR(calls_refuse_and_then_succeed),
    CASE_SUPERVISOR(answers_refuse_and_then_succeed),
    CASE_SUPERVISOR(copies_refuse_and_then_succeed),
    CASE_HELPER(trap_with_untouched),
    CASE_SUPERVISOR(message_sources_run_out),
    CASE_HELPER(take_all_sources),
    CASE_SUPERVISOR(message_sources_come_back),
    CASE_SYSTEM(failing_by_order),
    CASE_USER(failing_is_not_for_users),
};
GUEST_PROGRAM(shortage, entries);
