/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error numbers of MiX: Linux' numbers on x86-64, since unmodified Linux programs see them.
 *
 * Functions inside MiX return zero or more for success and a negated number, such as -ENOENT, for
 * failure. Numbers that no Linux program meets outside STREAMS and old network cards are left out.
 * Each line is spelt as the host's <errno.h> spells it, so that a test may include both.
 */
#ifndef MIX_ERRNO_H
#define MIX_ERRNO_H

#define EPERM 1   /* the caller is not allowed to */
#define ENOENT 2  /* no such name */
#define ESRCH 3   /* no such process */
#define EINTR 4   /* a signal came first */
#define EIO 5     /* the device failed */
#define ENXIO 6   /* no such device or address */
#define E2BIG 7   /* arguments and environment too long */
#define ENOEXEC 8 /* not a program that runs here */
#define EBADF 9   /* no such open file, or not open for this */
#define ECHILD 10 /* no child to wait for */
#define EAGAIN 11 /* not now; again later */
#define EWOULDBLOCK EAGAIN
#define ENOMEM 12  /* no memory */
#define EACCES 13  /* permission bits say no */
#define EFAULT 14  /* not the caller's memory */
#define ENOTBLK 15 /* not a block device */
#define EBUSY 16   /* in use */
#define EEXIST 17  /* the name is taken */
#define EXDEV 18   /* two different file systems */
#define ENODEV 19  /* the device cannot do that */
#define ENOTDIR 20 /* not a directory */
#define EISDIR 21  /* a directory */
#define EINVAL 22  /* an argument makes no sense */
#define ENFILE 23  /* the system's table of files is full */
#define EMFILE 24  /* the process's table of files is full */
#define ENOTTY 25  /* not a terminal */
#define ETXTBSY 26 /* the program is running */
#define EFBIG 27   /* larger than a file can be */
#define ENOSPC 28  /* no space on the device */
#define ESPIPE 29  /* cannot seek */
#define EROFS 30   /* a read-only file system */
#define EMLINK 31  /* too many links */
#define EPIPE 32   /* nobody reads any more */
#define EDOM 33    /* outside the function's domain */
#define ERANGE 34  /* the result does not fit */
#define EDEADLK 35 /* would wait for itself */
#define EDEADLOCK EDEADLK
#define ENAMETOOLONG 36    /* a name too long */
#define ENOLCK 37          /* no lock left */
#define ENOSYS 38          /* no such call */
#define ENOTEMPTY 39       /* the directory has entries */
#define ELOOP 40           /* too many symbolic links */
#define ENOMSG 42          /* no message of that type */
#define EIDRM 43           /* the identifier was removed */
#define ENODATA 61         /* no such data */
#define ETIME 62           /* the timer expired */
#define EREMOTE 66         /* the path leads to another server */
#define EPROTO 71          /* protocol broken */
#define EBADMSG 74         /* not a valid message */
#define EOVERFLOW 75       /* the value does not fit its type */
#define EILSEQ 84          /* not a valid character */
#define EUSERS 87          /* too many users */
#define ENOTSOCK 88        /* not a socket */
#define EDESTADDRREQ 89    /* a destination is missing */
#define EMSGSIZE 90        /* message too long */
#define EPROTOTYPE 91      /* wrong protocol for this socket */
#define ENOPROTOOPT 92     /* no such protocol option */
#define EPROTONOSUPPORT 93 /* no such protocol */
#define ESOCKTNOSUPPORT 94 /* no such socket type */
#define EOPNOTSUPP 95      /* not supported on this object */
#define ENOTSUP EOPNOTSUPP
#define EPFNOSUPPORT 96     /* no such protocol family */
#define EAFNOSUPPORT 97     /* no such address family */
#define EADDRINUSE 98       /* the address is taken */
#define EADDRNOTAVAIL 99    /* not an address of this system */
#define ENETDOWN 100        /* the network is down */
#define ENETUNREACH 101     /* no way to that network */
#define ENETRESET 102       /* the network dropped the connection */
#define ECONNABORTED 103    /* the connection was aborted here */
#define ECONNRESET 104      /* the connection was reset there */
#define ENOBUFS 105         /* no buffer space */
#define EISCONN 106         /* connected already */
#define ENOTCONN 107        /* not connected */
#define ESHUTDOWN 108       /* this side was shut down */
#define ETIMEDOUT 110       /* no answer in time */
#define ECONNREFUSED 111    /* nobody listens there */
#define EHOSTDOWN 112       /* the host is down */
#define EHOSTUNREACH 113    /* no way to that host */
#define EALREADY 114        /* under way already */
#define EINPROGRESS 115     /* begun, not done */
#define ESTALE 116          /* the file's server forgot it */
#define EUCLEAN 117         /* the file system is damaged */
#define EDQUOT 122          /* over quota */
#define ECANCELED 125       /* the request was cancelled */
#define EOWNERDEAD 130      /* the lock's owner died */
#define ENOTRECOVERABLE 131 /* what the lock guards is lost */

#endif
