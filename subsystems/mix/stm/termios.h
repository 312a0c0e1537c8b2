/* SPDX-License-Identifier: BSD-2-Clause */
/* The flags and control characters of struct linux_termios, as Linux numbers them on x86-64. */
#ifndef STM_TERMIOS_H
#define STM_TERMIOS_H

/* iflag */
#define ISTRIP 0000040u
#define INLCR 0000100u
#define IGNCR 0000200u
#define ICRNL 0000400u
#define IXON 0002000u
#define IXANY 0004000u
#define IUTF8 0040000u

/* oflag */
#define OPOST 0000001u
#define ONLCR 0000004u
#define OCRNL 0000010u
#define ONOCR 0000020u
#define ONLRET 0000040u
#define TABDLY 0014000u
#define XTABS 0014000u

/* cflag */
#define B38400 0000017u
#define CS8 0000060u
#define CREAD 0000200u
#define HUPCL 0002000u

/* lflag */
#define ISIG 0000001u
#define ICANON 0000002u
#define ECHO 0000010u
#define ECHOE 0000020u
#define ECHOK 0000040u
#define ECHONL 0000100u
#define NOFLSH 0000200u
#define TOSTOP 0000400u
#define ECHOCTL 0001000u
#define ECHOPRT 0002000u
#define ECHOKE 0004000u
#define IEXTEN 0100000u

/* cc */
#define VINTR 0
#define VQUIT 1
#define VERASE 2
#define VKILL 3
#define VEOF 4
#define VTIME 5
#define VMIN 6
#define VSTART 8
#define VSTOP 9
#define VSUSP 10
#define VEOL 11
#define VREPRINT 12
#define VDISCARD 13
#define VWERASE 14
#define VLNEXT 15
#define VEOL2 16

/* Arguments of TCFLSH and TCXONC. */
#define TCIFLUSH 0u
#define TCOFLUSH 1u
#define TCIOFLUSH 2u
#define TCOOFF 0u
#define TCOON 1u
#define TCIOFF 2u
#define TCION 3u

#endif
