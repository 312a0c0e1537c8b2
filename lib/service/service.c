/* SPDX-License-Identifier: BSD-2-Clause */
#include "service/service.h"

#include "chorus/calls.h"
#include "chorus/ui.h"
#include "idl/boot.h"

static KnResult service_ui(KnUniqueId *ui, uint64_t stamp)
{
    return uiBuild(ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), stamp);
}

KnResult service_declare(uint64_t stamp)
{
    KnUniqueId ui;
    KnResult status = service_ui(&ui, stamp);

    return status == K_OK ? portDeclare(K_MYACTOR, &ui) : status;
}

KnResult service_client(struct idl_client *client, uint64_t stamp, void *body, uint32_t body_bytes)
{
    KnUniqueId ui;
    KnResult status = service_ui(&ui, stamp);

    if (status == K_OK)
        idl_client_init(client, &ui, body, body_bytes);
    return status;
}

KnResult service_ready(void)
{
    char name[K_NAMEMAX + 1];
    const struct boot_ready_in in = {.name = name};
    struct idl_client client;
    KnResult status = actorName(K_MYACTOR, name, NULL);

    if (status == K_OK)
        status = service_client(&client, SERVICE_BOOT, NULL, 0);
    return status == K_OK ? boot_ready(&client, &in) : status;
}
