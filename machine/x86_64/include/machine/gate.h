/* SPDX-License-Identifier: BSD-2-Clause */
/* Where supervisor actors enter the Nucleus: a fixed address at the start of its text. In: eax the
 * call's number, arguments as for a C function. Out: rax. Read by assembly and C alike. */
#ifndef MACHINE_GATE_H
#define MACHINE_GATE_H

#define MACHINE_GATE_ADDRESS 0xffffffff80000000

#endif
