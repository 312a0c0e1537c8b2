/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs run and shell. See run.h.
 *
 * First all is checked, and only then anything is made: bad use starts nothing.
 */
#include "run.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "clock.h"
#include "image.h"
#include "launch.h"
#include "log.h"
#include "report.h"
#include "session.h"
#include "text.h"

/* What is left to say, and the exit status. */
static int session_conclude(const struct session *session)
{
    const char *log = session->log->path;
    int error = session->outlets[0].error;
    int status = session->status;

    switch (session->end) {
    case END_DIED:
        report("site 1 %s: %s (log: %s)", session->started ? "died" : "could not start",
               session->why, log);
        return status;
    case END_FAIL:
        report("%s", session->why);
        return status;
    case END_PROGRAM:
        break;
    case END_TIMEOUT:
    case END_USER:
        return status;
    case END_NONE:
        assert(false);
    }
    /* A reader that went away is no error; a full disk is one that PROGRAM may not have seen. */
    if (error != 0 && error != EPIPE && status == 0) {
        report("standard output: %s", strerror(error));
        status = STATUS_LOST_OUTPUT;
    }
    return status;
}

static int run_save(const struct session *session, int status)
{
    if (session->options->save == NULL)
        return status;
    if (session->end == END_DIED || !session_is_orderly(session)) {
        report("--save '%s': nothing was extracted, for the disk was not written back",
               session->options->save);
        return session->end == END_PROGRAM ? STATUS_NO_DOMAIN : status;
    }
    return root_save(session->root, session->options) ? status : STATUS_NO_DOMAIN;
}

static int run_session(const struct options *options, const struct root *root, struct log *log,
                       const struct streams *streams, int archive, int64_t start_ns)
{
    struct session *session = memory_get(1, sizeof(*session));
    int status = STATUS_NO_DOMAIN;

    session_create(session, options, root, log, streams, start_ns);
    bool started = session_start(session, archive);
    if (started) {
        session_loop(session);
        if (options->icount)
            log_print(log, "launcher: PROGRAM's first instruction is number %llu, its exit %llu",
                      (unsigned long long)session->start_instructions,
                      (unsigned long long)session->end_instructions);
    }
    session_drop(session);
    if (started)
        status = run_save(session, session_conclude(session));
    free(session);
    return status;
}

int run_domain(const struct options *options)
{
    int64_t start_ns = clock_now_ns();
    struct composition composition;
    struct streams streams;
    struct root root = {.image = -1};
    struct log log = {.fd = -1};
    int archive = -1;

    streams_look(&streams);
    int status = composition_read(&composition, options);
    if (status == 0)
        status = root_plan(&root, options, composition.root);
    if (status == 0) {
        status = STATUS_NO_DOMAIN;
        if (log_create(&log, options->log, options->icount) && root_prepare(&root, options))
            archive = bundle_make(options, &composition, &root, &streams);
    }
    if (archive >= 0) {
        status = run_session(options, &root, &log, &streams, archive, start_ns);
        close(archive);
    }
    if (log.path != NULL)
        log_drop(&log);
    root_drop(&root);
    text_drop(&composition.text);
    return status;
}
