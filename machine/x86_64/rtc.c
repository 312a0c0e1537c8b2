/* SPDX-License-Identifier: BSD-2-Clause */
/* The battery-backed clock of the PC (MC146818): the date, read once. It is taken to show
 * universal time. */
#include "kit/string.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"

#define RTC_INDEX 0x70
#define RTC_DATA 0x71

#define RTC_STATUS_A 0x0a
#define RTC_STATUS_B 0x0b
#define RTC_CENTURY 0x32
#define UPDATING 0x80u /* in status A */
#define BINARY 0x04u   /* in status B */
#define HOURS_24 0x02u
#define AFTERNOON 0x80u

#define TRIES 8
#define POLLS_MAX 10000 /* an update takes 2 ms */

enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY, FIELDS };

static uint8_t rtc_read(uint8_t index)
{
    outb(RTC_INDEX, index);
    return inb(RTC_DATA);
}

static void read_fields(uint8_t *field)
{
    static const uint8_t index[FIELDS] = {0x00, 0x02, 0x04, 0x07, 0x08, 0x09, RTC_CENTURY};

    for (uint32_t polls = 0; polls < POLLS_MAX && (rtc_read(RTC_STATUS_A) & UPDATING) != 0; polls++)
        continue;
    for (int i = 0; i < FIELDS; i++)
        field[i] = rtc_read(index[i]);
}

static uint32_t decode(uint8_t value, bool binary)
{
    return binary ? value : (uint32_t)(value >> 4) * 10 + (value & 0xf);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar; its years begin in March here. */
static uint64_t days_to(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = month <= 2 ? year - 1 : year;
    uint32_t m = month <= 2 ? month + 9 : month - 3;

    return UINT64_C(365) * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static uint32_t decode_hour(uint8_t value, uint8_t status)
{
    uint32_t hour = decode(value & (uint8_t)~AFTERNOON, (status & BINARY) != 0);

    if ((status & HOURS_24) != 0)
        return decode(value, (status & BINARY) != 0);
    return hour % 12 + ((value & AFTERNOON) != 0 ? 12 : 0);
}

uint64_t rtc_seconds(void)
{
    uint8_t field[FIELDS], again[FIELDS];
    uint8_t status = rtc_read(RTC_STATUS_B);
    bool binary = (status & BINARY) != 0;
    uint32_t century, year, month, day;

    /* Two equal readings: none was caught by an update half-way. */
    read_fields(field);
    for (int i = 0; i < TRIES; i++) {
        read_fields(again);
        if (memcmp(field, again, sizeof(field)) == 0)
            break;
        memcpy(field, again, sizeof(field));
    }
    century = decode(field[CENTURY], binary);
    year = (century >= 19 && century <= 29 ? century : 20) * 100 + decode(field[YEAR], binary);
    month = decode(field[MONTH], binary);
    day = decode(field[DAY], binary);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
        return 0;
    return ((days_to(year, month, day) * 24 + decode_hour(field[HOUR], status)) * 60 +
            decode(field[MINUTE], binary)) *
               60 +
           decode(field[SECOND], binary);
}
