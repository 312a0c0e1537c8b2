/* SPDX-License-Identifier: BSD-2-Clause */
/* What frames do in a session: the protocol of chorus/channel.h, seen from the launcher. */
#ifndef LAUNCHER_SESSION_FRAMES_H
#define LAUNCHER_SESSION_FRAMES_H

#include "session.h"

/* Acts on every whole frame that was read. */
void frames_take(struct session *session);

/* Queues what the site has to know, as far as there is room, and sends it. */
void frames_send(struct session *session);

/* Sets how the run of the domain ends; see session.c. */
void session_end(struct session *session, enum session_end end, int status);

#endif
