/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MiX's UNIX interface: the numbers and structures of Linux on x86-64 that programs and MiX's
 * servers share. Facts of that interface (its manual pages and the System V ABI), in the order of
 * its headers.
 */
#ifndef MIX_LINUX_H
#define MIX_LINUX_H

#include <stdint.h>

#include "kit/assert.h"

/* ---- Files ------------------------------------------------------------------------------- */

#define O_ACCMODE 03
#define O_RDONLY 00
#define O_WRONLY 01
#define O_RDWR 02
#define O_CREAT 0100
#define O_EXCL 0200
#define O_NOCTTY 0400
#define O_TRUNC 01000
#define O_APPEND 02000
#define O_NONBLOCK 04000
#define O_DSYNC 010000
#define O_DIRECT 040000
#define O_LARGEFILE 0100000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW 0400000
#define O_NOATIME 01000000
#define O_CLOEXEC 02000000
#define O_PATH 010000000
#define O_NAMELESS 020000000 /* of O_TMPFILE, which is it and O_DIRECTORY */
#define O_TMPFILE (O_NAMELESS | O_DIRECTORY)
#define O_KNOWN 037777777 /* open ignores all other bits */

/* flock */
#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define S_ISUID 04000
#define S_ISGID 02000
#define S_ISVTX 01000

#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS 0x200
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_NO_AUTOMOUNT 0x800
#define AT_EMPTY_PATH 0x1000
#define AT_STATX_SYNC_TYPE 0x6000

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define SEEK_DATA 3
#define SEEK_HOLE 4

#define F_DUPFD 0
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC 1
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

#define EFD_SEMAPHORE 1u
#define MFD_CLOEXEC 1u
#define MFD_EXEC 16u
#define MEMFD_NAME_BYTES 250

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)

struct linux_epoll_event {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));
STATIC_ASSERT(sizeof(struct linux_epoll_event) == 12, "struct epoll_event of x86-64");

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

#define PATH_MAX 4096
#define NAME_MAX 255
#define IOV_MAX 1024

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe

#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2

struct linux_timespec {
    int64_t seconds;
    int64_t nanoseconds;
};

struct linux_timeval {
    int64_t seconds;
    int64_t microseconds;
};

struct linux_stat {
    uint64_t device;
    uint64_t inode;
    uint64_t links;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t pad0;
    uint64_t rdev;
    int64_t size;
    int64_t block_bytes;
    int64_t blocks;
    struct linux_timespec atime, mtime, ctime;
    int64_t unused[3];
};
STATIC_ASSERT(sizeof(struct linux_stat) == 144, "struct stat of x86-64");

#define STATX_BASIC_STATS 0x7ffu
#define STATX_RESERVED 0x80000000u

struct linux_statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t pad;
};

struct linux_statx {
    uint32_t mask, block_bytes;
    uint64_t attributes;
    uint32_t links, uid, gid;
    uint16_t mode, pad0;
    uint64_t inode, size, blocks, attributes_mask;
    struct linux_statx_time atime, btime, ctime, mtime;
    uint32_t rdev[2], device[2]; /* major and minor */
    uint64_t spare[14];
};
STATIC_ASSERT(sizeof(struct linux_statx) == 256, "struct statx");

struct linux_flock {
    int16_t type, whence;
    uint32_t pad0;
    int64_t start, bytes; /* 0 bytes: to the end, however far it moves */
    int32_t pid;
    uint32_t pad1;
};
STATIC_ASSERT(sizeof(struct linux_flock) == 32, "struct flock of x86-64");

struct linux_statfs {
    int64_t type;
    int64_t block_bytes;
    uint64_t blocks, blocks_free, blocks_available;
    uint64_t files, files_free;
    int32_t fsid[2];
    int64_t name_bytes;
    int64_t fragment_bytes;
    int64_t flags;
    int64_t spare[4];
};
STATIC_ASSERT(sizeof(struct linux_statfs) == 120, "struct statfs of x86-64");

/* The head of a record of getdents64; the name with its NUL follows, the whole is 8-byte
 * aligned. */
struct linux_dirent64 {
    uint64_t inode;
    int64_t offset;
    uint16_t record_bytes;
    uint8_t type;
    char name[];
};
#define LINUX_DIRENT_NAME_OFFSET 19

struct linux_iovec {
    uint64_t base;
    uint64_t bytes;
};

struct linux_pollfd {
    int32_t fd;
    int16_t events;
    int16_t revents;
};

#define POLLIN 0x001
#define POLLPRI 0x002
#define POLLOUT 0x004
#define POLLERR 0x008
#define POLLHUP 0x010
#define POLLNVAL 0x020
#define POLLRDNORM 0x040
#define POLLWRNORM 0x100

/* ---- Memory ------------------------------------------------------------------------------ */

#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define PROT_GROWSDOWN 0x01000000
#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_TYPE 0x0f
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_NORESERVE 0x4000
#define MAP_FIXED_NOREPLACE 0x100000
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2
#define MADV_WILLNEED 3 /* NORMAL, RANDOM and SEQUENTIAL are below */
#define MADV_DONTNEED 4
#define MADV_FREE 8
#define MADV_MERGEABLE 12
#define MADV_UNMERGEABLE 13
#define MADV_HUGEPAGE 14
#define MADV_NOHUGEPAGE 15
#define MADV_DONTDUMP 16
#define MADV_DODUMP 17
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#define MS_ASYNC 1
#define MS_INVALIDATE 2
#define MS_SYNC 4

/* ---- Processes --------------------------------------------------------------------------- */

#define CLONE_VM 0x00000100
#define CLONE_FS 0x00000200
#define CLONE_FILES 0x00000400
#define CLONE_SIGHAND 0x00000800
#define CLONE_VFORK 0x00004000
#define CLONE_THREAD 0x00010000
#define CLONE_SETTLS 0x00080000
#define CLONE_PARENT_SETTID 0x00100000
#define CLONE_CHILD_CLEARTID 0x00200000
#define CLONE_CHILD_SETTID 0x01000000
#define CLONE_EXIT_SIGNAL 0xff

#define WNOHANG 1
#define WUNTRACED 2
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x01000000
#define P_ALL 0
#define P_PID 1
#define P_PGID 2

#define RLIMIT_CPU 0
#define RLIMIT_FSIZE 1
#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_CORE 4
#define RLIMIT_RSS 5
#define RLIMIT_NPROC 6
#define RLIMIT_NOFILE 7
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS 9
#define RLIMIT_COUNT 16
#define RLIM_INFINITY UINT64_MAX

struct linux_rlimit {
    uint64_t current, most;
};

struct linux_rusage {
    struct linux_timeval user, system;
    int64_t maxrss_kib;
    int64_t rest[13];
};

#define UTSNAME_BYTES 65
struct linux_utsname {
    char system[UTSNAME_BYTES], node[UTSNAME_BYTES], release[UTSNAME_BYTES];
    char version[UTSNAME_BYTES], machine[UTSNAME_BYTES], domain[UTSNAME_BYTES];
};

struct linux_sysinfo {
    int64_t uptime_s;
    uint64_t loads[3];
    uint64_t total, free, shared, buffers, total_swap, free_swap;
    uint16_t processes, pad;
    uint32_t pad2;
    uint64_t total_high, free_high;
    uint32_t unit;
    uint32_t pad3;
};
STATIC_ASSERT(sizeof(struct linux_sysinfo) == 112, "struct sysinfo of x86-64");

struct linux_tms {
    int64_t user, system, children_user, children_system;
};

#define PRIO_PROCESS 0
#define PRIO_PGRP 1
#define PRIO_USER 2

#define SCHED_OTHER 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_BATCH 3
#define SCHED_IDLE 5

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

#define PR_SET_PDEATHSIG 1
#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39

/* ---- Signals ----------------------------------------------------------------------------- */

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31
#define SIGNAL_COUNT 64

#define SIG_DFL 0
#define SIG_IGN 1
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SA_NOCLDSTOP 0x00000001u
#define SA_NOCLDWAIT 0x00000002u
#define SA_SIGINFO 0x00000004u
#define SA_RESTORER 0x04000000u
#define SA_ONSTACK 0x08000000u
#define SA_RESTART 0x10000000u
#define SA_NODEFER 0x40000000u
#define SA_RESETHAND 0x80000000u

#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_TIMER (-2)
#define SI_TKILL (-6)
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_STOPPED 5
#define CLD_CONTINUED 6

#define SS_ONSTACK 1
#define SS_DISABLE 2

struct linux_sigaction {
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};

struct linux_sigaltstack {
    uint64_t stack;
    int32_t flags;
    uint32_t pad;
    uint64_t bytes;
};

struct linux_siginfo {
    int32_t signal, error, code, pad;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            int32_t status;
            int32_t pad;
            int64_t user_ticks, system_ticks;
        } process;
        struct {
            uint64_t address;
        } fault;
        struct {
            int32_t id, overrun;
            uint64_t value;
        } timer;
        uint8_t bytes[112];
    } about;
};
STATIC_ASSERT(sizeof(struct linux_siginfo) == 128, "siginfo_t of x86-64");

/* ---- Time -------------------------------------------------------------------------------- */

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define TIMER_ABSTIME 1
#define ITIMER_REAL 0

struct linux_itimerval {
    struct linux_timeval interval, value;
};

struct linux_itimerspec {
    struct linux_timespec interval, value;
};

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2
#define SIGEV_THREAD_ID 4

struct linux_sigevent {
    uint64_t value;
    int32_t signal, notify, tid;
    int32_t pad[11];
};
STATIC_ASSERT(sizeof(struct linux_sigevent) == 64, "struct sigevent of x86-64");

#define ADJ_SETOFFSET 0x0100u
#define ADJ_NANO 0x2000u
#define STA_UNSYNC 0x0040
#define TIME_ERROR 5

struct linux_timex {
    uint32_t modes, pad0;
    int64_t offset, frequency, most_error, estimated_error;
    int32_t status, pad1;
    int64_t constant, precision, tolerance;
    struct linux_timeval time;
    int64_t tick_us;
    int64_t rest[14];
};
STATIC_ASSERT(sizeof(struct linux_timex) == 208, "struct timex of x86-64");

/* ---- Futexes ----------------------------------------------------------------------------- */

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_COMMAND_MASK 127
#define FUTEX_TID_MASK 0x3fffffffu
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_WAITERS 0x80000000u

/* What set_robust_list names: the locks that a task holds, linked in its own memory. */
struct linux_robust_list {
    uint64_t next;    /* bit 0 set: a lock with priority inheritance */
    int64_t offset;   /* from an entry to its word */
    uint64_t pending; /* being taken or given */
};

/* ---- Terminals --------------------------------------------------------------------------- */

#define TCGETS 0x5401u
#define TCSETS 0x5402u
#define TCSETSW 0x5403u
#define TCSETSF 0x5404u
#define TCSBRK 0x5409u
#define TCXONC 0x540au
#define TCFLSH 0x540bu
#define TIOCSCTTY 0x540eu
#define TIOCGPGRP 0x540fu
#define TIOCSPGRP 0x5410u
#define TIOCOUTQ 0x5411u
#define TIOCGWINSZ 0x5413u
#define TIOCSWINSZ 0x5414u
#define FIONREAD 0x541bu
#define FIONBIO 0x5421u
#define TIOCNOTTY 0x5422u
#define TIOCGSID 0x5429u
#define FIONCLEX 0x5450u
#define FIOCLEX 0x5451u

struct linux_winsize {
    uint16_t rows, columns, x_pixels, y_pixels;
};

#define LINUX_NCCS 19
struct linux_termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line;
    uint8_t cc[LINUX_NCCS];
};
STATIC_ASSERT(sizeof(struct linux_termios) == 36, "struct termios of the Linux kernel");

#endif
