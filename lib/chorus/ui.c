/* SPDX-License-Identifier: BSD-2-Clause */
#include "chorus/ui.h"

KnResult uiBuild(KnUniqueId *ui, KnUiType type, uint32_t site, uint64_t stamp)
{
    if (type <= K_UINONE || type > K_UICACHE || stamp > K_UISTAMP_MAX)
        return K_EINVAL;
    ui->uiHead = site;
    ui->uiTail = (uint64_t)type << K_UISTAMP_BITS | stamp;
    return K_OK;
}

void uiClear(KnUniqueId *ui)
{
    *ui = (KnUniqueId){0, 0};
}

bool uiEqual(const KnUniqueId *a, const KnUniqueId *b)
{
    return a->uiHead == b->uiHead && a->uiTail == b->uiTail;
}

bool uiValid(const KnUniqueId *ui)
{
    return ui->uiHead != 0 || ui->uiTail != 0;
}

uint32_t uiGetSite(const KnUniqueId *ui)
{
    return (uint32_t)ui->uiHead;
}
