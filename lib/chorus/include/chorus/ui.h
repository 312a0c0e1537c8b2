/* SPDX-License-Identifier: BSD-2-Clause */
/* Unique identifiers as values; nothing here enters the Nucleus. */
#ifndef CHORUS_UI_H
#define CHORUS_UI_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

/* A well-known identifier of `site`. K_EINVAL: no such type, or a stamp above K_UISTAMP_MAX. */
KnResult uiBuild(KnUniqueId *ui, KnUiType type, uint32_t site, uint64_t stamp);

void uiClear(KnUniqueId *ui);
bool uiEqual(const KnUniqueId *a, const KnUniqueId *b);
bool uiValid(const KnUniqueId *ui);       /* not cleared */
uint32_t uiGetSite(const KnUniqueId *ui); /* where it was made */

#endif
