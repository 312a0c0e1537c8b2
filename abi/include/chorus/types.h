/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types and constants of the Nucleus interface, shared by the Nucleus and by actors.
 *
 * Structures keep the classic CHORUS names. Their layout is that of the machine (pointers and
 * sizes have its width); nothing here crosses the wire between sites in this form.
 */
#ifndef CHORUS_TYPES_H
#define CHORUS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Results ------------------------------------------------------------------------- */

/* What a call returns: >= 0 on success, a negative K_E* value on failure. */
typedef long KnResult;

enum {
    K_OK = 0,
#define K_ERROR(name, value, text) name = -(value),
#include "abi/errors.def"
#undef K_ERROR
};

/* ---- Names ----------------------------------------------------------------------------- */

/* A unique identifier. uiHead: domain (32 bits) | creation site (32 bits). uiTail: type (8) |
 * stamp (56). All zero means "none". */
typedef struct {
    uint64_t uiHead;
    uint64_t uiTail;
} KnUniqueId;

typedef uint64_t KnKey; /* unguessable; from the hardware's random source */

/* Who knows ui may send; who knows key as well may change. For a segment, ui is its mapper's port
 * or group and key the mapper's own name for the segment. */
typedef struct {
    KnUniqueId ui;
    KnKey key;
} KnCap;

typedef enum {
    K_UINONE = 0,
    K_UIACTOR = 1,
    K_UIPORT = 2,
    K_UIPORT_STATPORT = 3, /* declared by name with portDeclare; cannot migrate */
    K_UIGROUP = 4,         /* dynamic group */
    K_UIGROUP_STATUSER = 5,
    K_UIGROUP_STATSYS = 6,
    K_UISITE = 7,
    K_UICACHE = 8, /* a local cache, in cache capabilities */
} KnUiType;

#define K_UISTAMP_BITS 56
#define K_UISTAMP_MAX ((UINT64_C(1) << K_UISTAMP_BITS) - 1)

/* Protection identifier: stamped on messages by the Nucleus, set by trusted callers only. */
typedef struct {
    uint16_t uid;
    uint16_t gid;
    uint16_t did;
    uint16_t reserved;
} KnProtId;

/* Capabilities that denote the caller's own actor or the supervisor space: passed as NULL-like
 * constants instead of a pointer to a KnCap. */
#define K_MYACTOR ((KnCap *)0)
#define K_SVACTOR ((KnCap *)1)

/* ---- Memory ---------------------------------------------------------------------------- */

typedef uintptr_t VmAddr;
typedef uintptr_t VmSize;
typedef uint64_t VmOffset;
typedef uint32_t VmFlags;

/* Rights and options of regions. Reading is implied by any of the others. */
#define K_READABLE 0x0001u
#define K_WRITABLE 0x0002u
#define K_EXECUTABLE 0x0004u
#define K_NOACCESS 0x0008u     /* reserve addresses only */
#define K_ANYWHERE 0x0010u     /* the Nucleus chooses startAddr */
#define K_FILLZERO 0x0020u     /* unspecified bytes read as zero */
#define K_NODEMAND 0x0040u     /* resident from the start; what has no mapper stays so */
#define K_NOSWAPOUT 0x0080u    /* resident once touched */
#define K_INHERITSHARE 0x0100u /* rgnDup: the child shares the region */
#define K_INHERITCOPY 0x0200u  /* rgnDup: the child has a deferred copy */
#define K_RESTRICTIVE 0x0400u  /* K_ANYWHERE between startAddr and endAddr */
#define K_SUPERVISOR 0x0800u   /* not accessible in user mode */
#define K_OVERMAP 0x1000u      /* replace what the range held */
#define K_MOVE 0x2000u         /* the source's content may become undefined */
#define K_APPEND 0x4000u       /* sgWrite: at the segment's end, which startOffset then tells */

typedef struct {
    VmAddr startAddr;
    VmSize size;
    VmFlags options;
    VmAddr endAddr; /* with K_RESTRICTIVE */
    void *opaque1;
    VmFlags opaque2;
} KnRgnDesc;

typedef struct {
    KnCap dataObject; /* segment capability */
    VmOffset startOffset;
    VmSize size;
} KnObjDesc;

/* What lcFlush leaves of the rights; the names of the classic flush flags. */
typedef enum {
    K_FLUSH_COPYBACK = 1, /* write back all, rights kept */
    K_FLUSH_WRITABLE = 2, /* write back modified pages, rights kept */
    K_FLUSH_READABLE = 3, /* write back, then read only */
    K_FLUSH_FREEZE = 4,   /* write back, then no access; content stays */
    K_FLUSH_NOACCESS = 5, /* write back, then invalidate */
    K_FLUSH_DESTROY = 6,  /* invalidate without writing back */
} KnFlushMode;

typedef struct {
    VmOffset lsSize;       /* end of the segment, bytes */
    uint32_t lsPages;      /* resident pages */
    uint32_t lsDirtyPages; /* resident and modified */
    uint32_t lsUsers;      /* 0: no region and no deferred copy shows the segment's content */
    uint64_t lsReadStamp;  /* univTime of the last access by sgRead or mapping, ns; 0 never */
    uint64_t lsWriteStamp; /* univTime of the last modification, ns; 0 never */
    KnCap lsCache;         /* capability of the local cache on this site */
} KnLcStat;

typedef struct {
    VmAddr rsStart;
    VmSize rsSize;
    VmFlags rsOptions;
    VmOffset rsOffset; /* of rsStart in its segment */
    KnCap rsSegment;   /* none for temporary memory */
    /* of a deferred copy: the segment that it is of, and where in that it starts; or none */
    KnCap rsOrigin;
    VmOffset rsOriginOffset;
    void *rsOpaque1;
    VmFlags rsOpaque2;
    uint32_t rsResidentPages;
} KnRgnStat;

/* ---- Actors and threads ---------------------------------------------------------------- */

typedef enum { K_USERACTOR = 0, K_SYSTEMACTOR = 1, K_SUPACTOR = 2 } KnActorPrivilege;
typedef enum { K_ACTIVE = 0, K_INACTIVE = 1, K_STOPPED = 1 } KnActorStatus;

typedef int32_t KnThreadLid; /* within its home actor; > 0 */
#define K_MYSELF ((KnThreadLid)-1)

typedef enum { K_USERTHREAD = 0, K_SUPTHREAD = 1 } KnThreadPrivilege;

typedef struct {
    VmAddr dsEntry; /* void entry(uintptr_t argument) */
    VmAddr dsUserStackPointer;
    uintptr_t dsArgument;
    KnThreadPrivilege dsPrivilege;
    uintptr_t dsSoftRegister;
} KnStartInfo;

typedef enum { K_SCHED_FIFO = 0, K_SCHED_RR = 1, K_SCHED_TS = 2 } KnSchedClass;
#define K_PRIO_MAX 0 /* highest */
#define K_PRIO_MIN 255

typedef struct {
    KnSchedClass schedClass;
    int32_t schedPriority; /* 0 highest .. 255 */
} KnSchedParms;

#define K_NAMEMAX 31

typedef struct {
    KnUniqueId asUi;
    KnKey asKey; /* with asUi its capability: told to system and supervisor actors, to others 0 */
    KnActorPrivilege asPrivilege;
    uint32_t asThreads, asPorts, asRegions;
    uint32_t asResidentPages;
    char asName[K_NAMEMAX + 1];
} KnActorStat;

typedef struct {
    KnThreadLid tsLid;
    int32_t tsState; /* 0 running or ready, 1 blocked, 2 stopped */
    KnSchedParms tsSched;
    uint64_t tsUsedNs; /* processor time */
    char tsName[K_NAMEMAX + 1];
} KnThreadStat;

/* Resources of the site, for tests of leaks and for tools. */
typedef struct {
    uint32_t ssPageBytes;
    uint32_t ssFramesTotal, ssFramesFree;
    uint32_t ssFramesCached; /* of segments: reclaimable */
    /* held by pools of Nucleus objects: they grow to their peak and stay */
    uint32_t ssFramesPools;
    uint32_t ssActors, ssThreads, ssPorts, ssMessages, ssRegions, ssCaches;
    uint32_t ssTimers;
    uint64_t ssSwitches, ssCalls, ssFaults, ssInterrupts;
    uint64_t ssIdleNs;
    uint32_t ssStrayErrors; /* results of calls that abi/calls.tbl does not list: faults of ours */
} KnSiteStat;

/* ---- Time ------------------------------------------------------------------------------ */

typedef struct {
    int64_t tmSec;
    int32_t tmNSec;
} KnTimeVal;

/* Delays are in nanoseconds in our calls; these two are the special values. */
#define K_NOBLOCK ((int64_t)0)
#define K_NOTIMEOUT ((int64_t)-1)

/* ---- IPC ------------------------------------------------------------------------------- */

#define K_CMSGANNEXSIZE 120
#define K_CMSGBODYMAX (1u << 20)
#define K_CPORTQUEUE 128
#define K_DEFAULTPORT 0
#define K_ANYENABLED (-1)
#define K_NONEPORT (-2)

#define K_ABORTABLE 0x1u /* in KnMsgDesc.flags: threadAbort may end the wait */

typedef struct {
    uint32_t flags;
    uint32_t bodySize; /* bytes to send; room when receiving */
    VmAddr bodyAddr;   /* 0 when receiving: leave the body for ipcGetData */
    VmAddr annexAddr;  /* 120 bytes, or 0: none sent (zeros), or not wanted */
    uint64_t seqNum;   /* set on receive */
} KnMsgDesc;

typedef struct {
    KnUniqueId target;
    KnUniqueId coTarget;
} KnIpcDest;

typedef enum { K_BROADMODE = 0, K_FUNCMODE = 1, K_FUNCUMODE = 2, K_FUNCXMODE = 3 } KnTargetMode;

typedef struct {
    uint32_t bodySize;
    uint32_t isRequest; /* 1: the sender waits in ipcCall */
    KnUniqueId srcPort;
    KnUniqueId target;
    KnUniqueId coTarget;
    KnProtId actorId;
    KnProtId portId;
} KnMsgHead;

/* ---- Supervisor ------------------------------------------------------------------------ */

/* Exception causes, the same on every machine. */
typedef enum {
    K_EXC_PAGE = 1,       /* no region, or one that forbids the access; address valid */
    K_EXC_MAPPER = 2,     /* the region's data could not be had (I/O error, beyond the end) */
    K_EXC_MEMORY = 3,     /* no memory to resolve the fault */
    K_EXC_ILLEGAL = 4,    /* illegal or privileged instruction */
    K_EXC_ARITHMETIC = 5, /* integer division, overflow */
    K_EXC_FLOAT = 6,      /* floating point */
    K_EXC_ALIGN = 7,      /* alignment */
    K_EXC_BREAKPOINT = 8, /* breakpoint */
    K_EXC_STEP = 9,       /* single step */
    K_EXC_CALL = 10,      /* a system call that has no owner or is not granted */
    K_EXC_OTHER = 11,
} KnExcCause;

typedef struct {
    KnExcCause excCause;
    uint32_t excAccess; /* K_READABLE, K_WRITABLE or K_EXECUTABLE */
    VmAddr excAddress;
    uint32_t excCode; /* the machine's own number */
    VmAddr excPc;     /* where */
} KnExcInfo;

/* Handlers of a supervisor actor. They run in the thread that trapped, on its supervisor stack,
 * with the handler's actor as execution actor and the thread's software register at hand;
 * interrupt handlers run on the stack that was interrupted, with interrupts off, and may call
 * only syncWake and sysTime. */
struct KnThreadCtx; /* the machine's registers, chorus/context.h */
typedef struct KnThreadCtx KnThreadCtx;
typedef enum { K_IT_CONTINUE = 0, K_IT_BREAK = 1 } KnItResult;
typedef KnItResult (*KnItHdl)(void *cookie);
typedef void (*KnTrapHdl)(KnThreadCtx *context, uintptr_t softRegister, void *cookie);
typedef enum { K_EXC_RESUME = 0, K_EXC_DEFAULT = 1 } KnExcResult;
typedef KnExcResult (*KnExcHdl)(KnThreadCtx *context, const KnExcInfo *info, void *cookie);
typedef void (*KnAbortHdl)(KnThreadCtx *context, uintptr_t softRegister, void *cookie);

/* A message-signalled interrupt: what the device must write where. */
typedef struct {
    uint32_t imSource; /* for svItConnect */
    uint32_t imData;
    uint64_t imAddress;
} KnItMessage;

/* One entry of the black-box trace. */
typedef struct {
    uint32_t trEvent;
    uint32_t trThread;
    uintptr_t trWord[3];
} KnTraceEntry;

/* A Nucleus call, and how it has failed so far. Error E is bit -E. */
#define K_CALLNAMEMAX 23
typedef struct {
    char ciName[K_CALLNAMEMAX + 1]; /* empty: no call has the number */
    uint32_t ciErrors; /* that its page lists, and K_EPRIV where not every actor may call */
    uint32_t ciGiven;  /* that it has returned to anybody since the site's start */
} KnCallInfo;

/* What a site learnt at its start. */
#define K_CMDLINEMAX 511
typedef struct {
    uint64_t biArchive; /* physical address of the system archive */
    uint64_t biArchiveBytes;
    uint32_t biSite;
    uint32_t biEpoch;
    uint64_t biStartNs; /* sysTime at the entry of the Nucleus */
    char biCommandLine[K_CMDLINEMAX + 1];
} KnBootInfo;

#endif
