/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports: life, names, enabling, protection identifiers; each port* and ui* call and each of its
 * errors. */
#include "kit/string.h"
#include "tests/guest/case.h"

static KnCap bad_key(void)
{
    KnCap cap;

    (void)actorSelf(&cap);
    cap.key ^= 1;
    return cap;
}

static KnCap nobody(void)
{
    KnCap cap;

    (void)actorSelf(&cap);
    cap.ui.uiTail += UINT64_C(1) << 30;
    return cap;
}

#define WILD ((void *)(uintptr_t)0x10)

CASE(create_and_delete)
{
    KnUniqueId ui, same;
    KnResult li = portCreate(K_MYACTOR, &ui);

    REQUIRE(li > 0);
    EXPECT(uiValid(&ui));
    EXPECT_EQ(uiIsLocal(&ui), 1);
    EXPECT_EQ(portLi(&ui), li);
    EXPECT_EQ(portUi((int32_t)li, &same), K_OK);
    EXPECT(uiEqual(&ui, &same));
    EXPECT_EQ(portDelete(K_MYACTOR, (int32_t)li), K_OK);
    EXPECT_EQ(portDelete(K_MYACTOR, (int32_t)li), K_ENOPORT);
    EXPECT_EQ(portLi(&ui), K_ENOPORT);
    EXPECT_EQ(uiIsLocal(&ui), 0);
    EXPECT_EQ(uiGetSite(&ui), uiLocalSite());
}

CASE(create_errors)
{
    KnCap wrong = bad_key(), gone = nobody();
    KnUniqueId ui;

    EXPECT_EQ(portCreate(&wrong, &ui), K_EINVAL);
    EXPECT_EQ(portCreate(&gone, &ui), K_EUNKNOWN);
    EXPECT_EQ(portCreate(WILD, &ui), K_EFAULT);
    EXPECT_EQ(portCreate(K_MYACTOR, WILD), K_EFAULT);
    EXPECT_EQ(portDelete(&wrong, 1), K_EINVAL);
    EXPECT_EQ(portDelete(&gone, 1), K_EUNKNOWN);
    EXPECT_EQ(portDelete(WILD, 1), K_EFAULT);
    EXPECT_EQ(portDelete(K_MYACTOR, K_DEFAULTPORT), K_EINVAL);
    EXPECT_EQ(portUi(77, &ui), K_ENOPORT);
    EXPECT_EQ(portUi(K_DEFAULTPORT, WILD), K_EFAULT);
    EXPECT_EQ(portLi(WILD), K_EFAULT);
    EXPECT_EQ(uiIsLocal(WILD), K_EFAULT);
}

CASE(declare)
{
    KnUniqueId ui, dynamic;
    KnCap wrong = bad_key(), gone = nobody();
    KnResult li;

    REQUIRE_EQ(uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), 4711), K_OK);
    EXPECT_EQ(portDeclare(&wrong, &ui), K_EINVAL);
    EXPECT_EQ(portDeclare(&gone, &ui), K_EUNKNOWN);
    EXPECT_EQ(portDeclare(K_MYACTOR, WILD), K_EFAULT);
    li = portDeclare(K_MYACTOR, &ui);
    REQUIRE(li > 0);
    EXPECT_EQ(portDeclare(K_MYACTOR, &ui), K_EEXIST);
    EXPECT_EQ(portUi(K_DEFAULTPORT, &dynamic), K_OK);
    EXPECT_EQ(portDeclare(K_MYACTOR, &dynamic), K_EINVAL);
    EXPECT_EQ(portDelete(K_MYACTOR, (int32_t)li), K_OK);
}

CASE(declare_is_for_the_trusted)
{
    KnUniqueId ui;

    REQUIRE_EQ(uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), 4712), K_OK);
    EXPECT_EQ(portDeclare(K_MYACTOR, &ui), K_EPRIV);
}

CASE(enable_errors)
{
    KnCap wrong = bad_key(), gone = nobody();

    EXPECT_EQ(portEnable(K_MYACTOR, 99, 0), K_ENOPORT);
    EXPECT_EQ(portEnable(&wrong, 0, 0), K_EINVAL);
    EXPECT_EQ(portEnable(&gone, 0, 0), K_EUNKNOWN);
    EXPECT_EQ(portEnable(WILD, 0, 0), K_EFAULT);
    EXPECT_EQ(portEnable(K_MYACTOR, K_DEFAULTPORT, 3), K_OK);
    EXPECT_EQ(portDisable(K_MYACTOR, 99), K_ENOPORT);
    EXPECT_EQ(portDisable(&wrong, 0), K_EINVAL);
    EXPECT_EQ(portDisable(&gone, 0), K_EUNKNOWN);
    EXPECT_EQ(portDisable(WILD, 0), K_EFAULT);
    EXPECT_EQ(portDisable(K_MYACTOR, K_DEFAULTPORT), K_OK);
}

CASE(protection_identifiers)
{
    KnProtId set = {1, 2, 3, 0}, old;
    KnCap wrong = bad_key(), gone = nobody();
    uint64_t sequence;

    EXPECT_EQ(portPi(K_MYACTOR, K_DEFAULTPORT, NULL, &set), K_OK);
    EXPECT_EQ(portPi(K_MYACTOR, K_DEFAULTPORT, &old, NULL), K_OK);
    EXPECT(old.uid == 1 && old.gid == 2 && old.did == 3);
    EXPECT_EQ(portPi(K_MYACTOR, 99, &old, NULL), K_ENOPORT);
    EXPECT_EQ(portPi(&wrong, 0, &old, NULL), K_EINVAL);
    EXPECT_EQ(portPi(&gone, 0, &old, NULL), K_EUNKNOWN);
    EXPECT_EQ(portPi(K_MYACTOR, 0, WILD, NULL), K_EFAULT);
    EXPECT_EQ(portPi(K_MYACTOR, 0, NULL, WILD), K_EFAULT);
    EXPECT_EQ(portGetSeqNum(K_DEFAULTPORT, &sequence), K_OK);
    EXPECT_EQ(sequence, 0);
    EXPECT_EQ(portGetSeqNum(99, &sequence), K_ENOPORT);
    EXPECT_EQ(portGetSeqNum(0, WILD), K_EFAULT);
}

CASE(protection_identifiers_are_set_by_the_trusted)
{
    KnProtId set = {1, 2, 3, 0};

    EXPECT_EQ(portPi(K_MYACTOR, K_DEFAULTPORT, NULL, &set), K_EPRIV);
}

CASE(ports_run_out)
{
    KnUniqueId ui;
    KnResult li;
    uint32_t count = 0;

    while ((li = portCreate(K_MYACTOR, &ui)) > 0 && count < 20000)
        count++;
    EXPECT_EQ(li, K_ENOMEM);
    EXPECT(count > 1000);
    EXPECT_EQ(portDelete(K_MYACTOR, 1), K_OK);
    EXPECT(portCreate(K_MYACTOR, &ui) > 0);
}

static const struct guest_entry entries[] = {
    CASE_USER(create_and_delete),
    CASE_USER(create_errors),
    CASE_SYSTEM(declare),
    CASE_USER(declare_is_for_the_trusted),
    CASE_USER(enable_errors),
    CASE_SYSTEM(protection_identifiers),
    CASE_USER(protection_identifiers_are_set_by_the_trusted),
    CASE_SYSTEM(ports_run_out),
};
GUEST_PROGRAM(ports, entries);
