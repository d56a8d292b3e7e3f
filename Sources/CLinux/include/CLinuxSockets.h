// SPDX-License-Identifier: Apache-2.0
// Internet sockets, descriptors that travel, and pipes between sockets: calls whose C shapes (sockaddr unions, control
// messages) or feature macros Swift cannot use. Each returns -1 and errno on failure.

#ifndef CLINUX_SOCKETS_H
#define CLINUX_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// An internet address and port. An IPv4 address that a socket of version 6 calls `::ffff:a.b.c.d` is version 4 here.
struct linux_address {
    /// 4 or 6.
    uint8_t version;
    /// In network order; of version 4 the first four.
    uint8_t bytes[16];
    /// In host order.
    uint16_t port;
};

/// accept4(2): never waits, close-on-exec.
int linux_accept(int listener, struct linux_address *peer);

/// getsockname(2).
int linux_local_address(int socket, struct linux_address *address);

/// getpeername(2).
int linux_peer_address(int socket, struct linux_address *address);

/// Where a connection that netfilter redirected was meant to go (SO_ORIGINAL_DST).
int linux_original_destination(int socket, struct linux_address *address);

/// A stream socket bound to an address and listening: never waits, close-on-exec, an address of version 6 only.
int linux_listen(const struct linux_address *address, int backlog);

/// A datagram socket bound to an address: never waits, close-on-exec.
int linux_bind_datagram(const struct linux_address *address);

/// A stream socket whose connect(2) has begun: writable once it has ended, see linux_socket_error.
int linux_connect(const struct linux_address *address);

/// The error a socket holds (SO_ERROR), 0 when there is none; asking clears it.
int linux_socket_error(int socket);

/// setsockopt(2) of a whole number.
int linux_set_option(int socket, int level, int option, int value);

/// getsockopt(2) of a whole number.
int linux_get_option(int socket, int level, int option, int *value);

/// Makes close(2) reset the connection and throw away what was not sent (SO_LINGER of zero).
int linux_reset_on_close(int socket);

/// Breaks a connection off: connect(2) with AF_UNSPEC. -1 = errno.
int linux_abort(int socket);

/// How many bytes of a connection wait and have never been sent (SIOCOUTQNSD). -1 = errno.
int linux_unsent(int socket);

/// One datagram and who sent it; one longer than `capacity` is returned with its true length.
ssize_t linux_receive_from(int socket, void *buffer, size_t capacity, struct linux_address *sender);

/// sendto(2) of one datagram.
ssize_t linux_send_to(int socket, const void *buffer, size_t size, const struct linux_address *receiver);

/// The most descriptors one message carries (the kernel's SCM_MAX_FD).
#define LINUX_DESCRIPTORS_MAX 253

/// Receives bytes and the descriptors sent with them, close-on-exec; never waits. `*count` is how many descriptors came.
/// EMSGSIZE when the kernel had to drop some: the ones that came are closed again.
ssize_t linux_receive_descriptors(int socket, void *buffer, size_t capacity, int descriptors[LINUX_DESCRIPTORS_MAX],
                                  size_t *count);

/// Sends bytes, and descriptors with the first of them; never waits, never raises SIGPIPE.
ssize_t linux_send_descriptors(int socket, const void *buffer, size_t size, const int *descriptors, size_t count);

/// splice(2) that never waits.
ssize_t linux_splice(int from, int to, size_t size);

/// F_SETPIPE_SZ: the size the pipe has now.
int linux_set_pipe_size(int pipe, int size);

/// Whether the kernel's audit log is switched on, see audit(8): 1, or 0 where it is not, or where this process may not
/// ask (CAP_AUDIT_CONTROL).
int linux_audit_is_on(void);

/// Types of the audit log's records: newer than Debian 12's headers; the kernel's numbers never change.
enum { LINUX_AUDIT_LANDLOCK_ACCESS = 1423, LINUX_AUDIT_LANDLOCK_DOMAIN = 1424 };

/// A socket that hears the audit log's records of Landlock, and no others: never waits, close-on-exec. It takes
/// CAP_AUDIT_READ.
int linux_audit_listen(void);

/// One such record of the kernel's: its type and text, which is cut at `capacity`. ENOBUFS says that some were lost.
ssize_t linux_audit_next(int socket, uint16_t *type, void *text, size_t capacity);

#endif
