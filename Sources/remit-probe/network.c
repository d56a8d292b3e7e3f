// SPDX-License-Identifier: Apache-2.0
// E66-E72: every way to an address that is not the sandbox's own.

#include "probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define METADATA "169.254.169.254"
#define PRIVATE "192.168.1.1"
#define PUBLIC "1.1.1.1"
#define PUBLIC6 "2606:4700:4700::1111"
#define PATIENCE 1500

static struct sockaddr_in to(const char *address, long port) {
    struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &result.sin_addr);
    return result;
}

// What a socket came to: waits until it is writable, then asks it.
static int settled(int end) {
    struct pollfd wait = {.fd = end, .events = POLLOUT};
    if (poll(&wait, 1, PATIENCE) <= 0) { return ETIMEDOUT; }
    int code = 0;
    socklen_t length = sizeof code;
    if (getsockopt(end, SOL_SOCKET, SO_ERROR, &code, &length) < 0) { return errno; }
    return code;
}

static int stream(int protocol, const char *address, long port) {
    struct sockaddr_in target = to(address, port);
    int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (end < 0) { return errno; }
    int result = probe_result(connect(end, (struct sockaddr *)&target, sizeof target));
    if (result == EINPROGRESS) { result = settled(end); }
    close(end);
    return result;
}

// A datagram got through when neither the call nor an answer of the network says that it did not.
static int datagram_to(struct sockaddr *target, socklen_t length) {
    int end = socket(target->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (end < 0) { return errno; }
    int result = probe_result(connect(end, target, length));
    if (result == 0) { result = probe_result(send(end, "remit", 5, 0)); }
    if (result == 0) {
        struct pollfd wait = {.fd = end, .events = POLLIN};
        char byte;
        if (poll(&wait, 1, 50) > 0 && recv(end, &byte, 1, 0) < 0) { result = errno; }
    }
    close(end);
    return result;
}
static int datagram(const char *address, long port) {
    struct sockaddr_in target = to(address, port);
    return datagram_to((struct sockaddr *)&target, sizeof target);
}

#define WITH_PORT(canary) \
    long port = probe_canary_number(canary); \
    if (port < 0) { return probe_skip("no " canary); }

// MARK: E66

static int host_loopback(void) { WITH_PORT("REMIT_CANARY_TCP") return stream(0, "127.0.0.1", port); }
static int host_any(void) { WITH_PORT("REMIT_CANARY_TCP") return stream(0, "0.0.0.0", port); }
static int host_datagram(void) { WITH_PORT("REMIT_CANARY_UDP") return datagram("127.0.0.1", port); }
static int metadata(void) { return stream(0, METADATA, 80); }
static int private_network(void) { return stream(0, PRIVATE, 80); }
static int public_network(void) { return stream(0, PUBLIC, 80); }
static int name_server(void) { return datagram(PUBLIC, 53); }
static int metadata_datagram(void) { return datagram(METADATA, 53); }
static int multicast(void) { return datagram("224.0.0.251", 5353); }
static int public_network6(void) {
    struct sockaddr_in6 target = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
    inet_pton(AF_INET6, PUBLIC6, &target.sin6_addr);
    return datagram_to((struct sockaddr *)&target, sizeof target);
}
static int mapped(void) {
    WITH_PORT("REMIT_CANARY_TCP")
    struct sockaddr_in6 target = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &target.sin6_addr);
    int end = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end < 0) { return errno; }
    int result = probe_result(connect(end, (struct sockaddr *)&target, sizeof target));
    close(end);
    return result;
}

// MARK: E67

static int local(const char *name, size_t length) {
    struct sockaddr_un target = {.sun_family = AF_UNIX};
    if (length > sizeof target.sun_path) { return ENAMETOOLONG; }
    memcpy(target.sun_path, name, length);
    int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end < 0) { return errno; }
    int result = probe_result(connect(end, (struct sockaddr *)&target,
                                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)));
    close(end);
    return result;
}
static int abstract(void) {
    char name[108] = {0};
    const char *canary = probe_canary("REMIT_CANARY_ABSTRACT");
    if (canary == NULL) { return probe_skip("no REMIT_CANARY_ABSTRACT"); }
    return local(name, 1 + (size_t)snprintf(name + 1, sizeof name - 1, "%s", canary));
}
static int pathname(void) {
    const char *canary = probe_canary("REMIT_CANARY_SOCKET");
    if (canary == NULL) { return probe_skip("no REMIT_CANARY_SOCKET"); }
    return local(canary, strlen(canary) + 1);
}
static int display(void) { return local("\0/tmp/.X11-unix/X0", 18); }
static int display_path(void) { return local("/tmp/.X11-unix/X0", 18); }
static int system_bus(void) { return local("/run/dbus/system_bus_socket", 28); }
static int service_manager(void) { return local("/run/systemd/private", 21); }

// MARK: E68

static int fast_open(const char *address, long port) {
    struct sockaddr_in target = to(address, port);
    int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (end < 0) { return errno; }
    int result = probe_result(sendto(end, "remit", 5, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&target, sizeof target));
    if (result == EINPROGRESS || result == 0) { result = settled(end); }
    close(end);
    return result;
}
static int fast_open_host(void) { WITH_PORT("REMIT_CANARY_TCP") return fast_open("127.0.0.1", port); }
static int fast_open_metadata(void) { return fast_open(METADATA, 80); }
static int fast_open_message(void) {
    WITH_PORT("REMIT_CANARY_TCP")
    struct sockaddr_in target = to("127.0.0.1", port);
    struct iovec part = {.iov_base = "remit", .iov_len = 5};
    struct mmsghdr message = {.msg_hdr = {.msg_name = &target, .msg_namelen = sizeof target, .msg_iov = &part, .msg_iovlen = 1}};
    int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (end < 0) { return errno; }
    int result = probe_result(sendmmsg(end, &message, 1, MSG_FASTOPEN | MSG_NOSIGNAL));
    if (result == EINPROGRESS || result == 0) { result = settled(end); }
    close(end);
    return result;
}
static int fast_open_connect(void) {
    WITH_PORT("REMIT_CANARY_TCP")
    struct sockaddr_in target = to("127.0.0.1", port);
    int one = 1, end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (end < 0 || setsockopt(end, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one) < 0) { return errno; }
    int result = probe_result(connect(end, (struct sockaddr *)&target, sizeof target));
    if (result == 0) { result = probe_result(send(end, "remit", 5, MSG_NOSIGNAL)); }
    if (result == EINPROGRESS || result == EAGAIN || result == 0) { result = settled(end); }
    close(end);
    return result;
}
static int multipath(void) { WITH_PORT("REMIT_CANARY_TCP") return stream(IPPROTO_MPTCP, "127.0.0.1", port); }

// MARK: E69

static int option(int level, int name, const void *value, socklen_t length) {
    int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end < 0) { return errno; }
    int result = probe_result(setsockopt(end, level, name, value, length));
    close(end);
    return result;
}
static int open_socket(int family, int type, int protocol) {
    int end = socket(family, type | SOCK_CLOEXEC, protocol);
    int result = probe_result(end);
    if (end >= 0) { close(end); }
    return result;
}
// Any interface but the sandbox's own.
static int bind_device(void) {
    struct if_nameindex *all = if_nameindex();
    if (all == NULL) { return errno; }
    int result = ENODEV;
    for (struct if_nameindex *each = all; each->if_index != 0 && result != 0; each++) {
        if (strcmp(each->if_name, "lo") == 0) { continue; }
        result = option(SOL_SOCKET, SO_BINDTODEVICE, each->if_name, (socklen_t)strlen(each->if_name) + 1);
    }
    if_freenameindex(all);
    return result;
}
static const int one = 1;
static int transparent(void) { return option(IPPROTO_IP, IP_TRANSPARENT, &one, sizeof one); }
static int mark(void) { return option(SOL_SOCKET, SO_MARK, &one, sizeof one); }
static int repair(void) { return option(IPPROTO_TCP, TCP_REPAIR, &one, sizeof one); }
static int raw(void) { return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static int raw6(void) { return open_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6); }
static int packet(void) { return open_socket(AF_PACKET, SOCK_RAW, 0x0300); }

// MARK: E70

// Sends one request of routing netlink, and waits for what the kernel says.
static int route_request(uint16_t type, uint16_t flags, const void *body, size_t length) {
    struct {
        struct nlmsghdr head;
        char room[256];
    } request = {.head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(length), .nlmsg_type = type,
                          .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags), .nlmsg_seq = 1}};
    memcpy(NLMSG_DATA(&request.head), body, length);
    int end = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (end < 0) { return errno; }
    int result = probe_result(send(end, &request, request.head.nlmsg_len, 0));
    char answer[4096];
    ssize_t count = result == 0 ? recv(end, answer, sizeof answer, 0) : 0;
    if (count >= (ssize_t)NLMSG_LENGTH(sizeof(int)) && ((struct nlmsghdr *)answer)->nlmsg_type == NLMSG_ERROR) {
        result = -((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)answer))->error;
    } else if (result == 0) {
        result = EIO;
    }
    close(end);
    return result;
}
static int add_address(void) {
    struct {
        struct ifaddrmsg message;
        struct rtattr head;
        struct in_addr address;
    } body = {.message = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 1},
              .head = {.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL}, .address.s_addr = htonl(0x0a63010a)};
    return route_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof body);
}
static int add_link(void) {
    struct {
        struct ifinfomsg message;
        struct rtattr information, kind;
        char name[8];
    } body = {.message = {.ifi_family = AF_UNSPEC},
              .information = {.rta_len = RTA_LENGTH(sizeof(struct rtattr) + 8), .rta_type = IFLA_LINKINFO},
              .kind = {.rta_len = RTA_LENGTH(5), .rta_type = IFLA_INFO_KIND}, .name = "veth"};
    return route_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
}
static int change_link(void) {
    struct ifinfomsg message = {.ifi_family = AF_UNSPEC, .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    return route_request(RTM_NEWLINK, 0, &message, sizeof message);
}
static int add_rule(void) {
    struct rtmsg rule = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
    return route_request(RTM_NEWRULE, NLM_F_CREATE, &rule, sizeof rule);
}
static int netfilter(void) { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER); }
static int audit(void) { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT); }
static int device_events(void) { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT); }
static int interface_call(unsigned long call) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int end = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (end < 0) { return errno; }
    if (call == SIOCSIFADDR) {
        struct sockaddr_in address = to("10.99.2.10", 0);
        memcpy(request.ifr_name, "lo:9", 5);
        memcpy(&request.ifr_addr, &address, sizeof address);
    }
    int result = probe_result(ioctl(end, call, &request));
    close(end);
    return result;
}
static int interface_flags(void) { return interface_call(SIOCSIFFLAGS); }
static int interface_address(void) { return interface_call(SIOCSIFADDR); }

// MARK: E72

static struct sockaddr_in flipping __attribute__((aligned(8)));
static volatile int flips_end;

static void *flip(void *argument) {
    const struct sockaddr_in *both = argument;
    // Port and address are in the first eight bytes: they change together.
    uint64_t words[2];
    memcpy(&words[0], &both[0], sizeof words[0]);
    memcpy(&words[1], &both[1], sizeof words[1]);
    for (size_t turn = 0; !flips_end; turn++) {
        __atomic_store((uint64_t *)(void *)&flipping, &words[turn & 1], __ATOMIC_RELAXED);
    }
    return NULL;
}

// A message to an address that another thread flips while the call reads it. Whether one arrived says the canary;
// here it counts as through when no address was refused.
static int flipped(void) {
    WITH_PORT("REMIT_CANARY_UDP")
    const struct sockaddr_in both[2] = {to("127.0.0.1", port), to(METADATA, 53)};
    flipping = both[0];
    int end = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (end < 0 || setsockopt(end, IPPROTO_IP, IP_RECVERR, &one, sizeof one) < 0) { return errno; }
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, flip, (void *)(uintptr_t)both);
    if (failed != 0) { return failed; }
    struct iovec part = {.iov_base = "remit", .iov_len = 5};
    struct mmsghdr messages[8];
    memset(messages, 0, sizeof messages);
    for (size_t index = 0; index < PROBE_COUNT(messages); index++) {
        messages[index].msg_hdr = (struct msghdr){
            .msg_name = &flipping, .msg_namelen = sizeof flipping, .msg_iov = &part, .msg_iovlen = 1};
    }
    int refused = 0;
    for (int round = 0; round < 2000; round++) {
        if (sendmmsg(end, messages, PROBE_COUNT(messages), 0) < 0 && errno != EAGAIN && errno != ENOBUFS) { refused = errno; }
    }
    flips_end = 1;
    pthread_join(thread, NULL);
    close(end);
    return refused;
}

#define NOWHERE "namespaces:ENETUNREACH"
#define NOBODY "namespaces:ECONNREFUSED"
#define FAMILY "seccomp:EAFNOSUPPORT,ENOSYS,EPERM,EPROTONOSUPPORT"
#define NO_FEATURE " kernel:EAFNOSUPPORT,EPROTONOSUPPORT,ENOPROTOOPT,ESOCKTNOSUPPORT"

static const struct probe probes[] = {
    {"E66.host-loopback", "connect to a service on the host's loopback", NOBODY, host_loopback, PROBE_PORTABLE},
    {"E66.host-any", "connect to it by the address 0.0.0.0", NOBODY, host_any, 0},
    {"E66.host-mapped", "connect to it by an IPv4 address in IPv6", NOBODY, mapped, 0},
    {"E66.host-datagram", "send a datagram to a service on the host's loopback", NOBODY, host_datagram, 0},
    {"E66.metadata", "connect to the cloud's metadata service", NOWHERE, metadata, PROBE_PORTABLE},
    {"E66.metadata-datagram", "send a datagram to it", NOWHERE, metadata_datagram, 0},
    {"E66.private-network", "connect to an address of a private network", NOWHERE, private_network, PROBE_PORTABLE},
    {"E66.public-network", "connect to a public address", NOWHERE, public_network, PROBE_PORTABLE},
    {"E66.name-server", "ask a public name server", NOWHERE, name_server, PROBE_PORTABLE},
    {"E66.public-network6", "send a datagram to a public IPv6 address", NOWHERE ",EADDRNOTAVAIL", public_network6, PROBE_PORTABLE},
    {"E66.multicast", "send a multicast datagram", NOWHERE, multicast, 0},
    {"E67.abstract", "connect to an abstract socket of the host", NOBODY " landlock-scopes:EPERM", abstract, 0},
    {"E67.pathname", "connect to a socket file of the host that is open to everyone", "mounts:ENOENT", pathname, 0},
    {"E67.display", "connect to the X server's abstract socket", NOBODY " kernel:ECONNREFUSED", display, PROBE_PORTABLE},
    {"E67.display-path", "connect to the X server's socket file", "mounts:ENOENT kernel:ENOENT", display_path, 0},
    {"E67.system-bus", "connect to the system's message bus", "mounts:ENOENT kernel:ENOENT,ECONNREFUSED", system_bus, PROBE_PORTABLE},
    {"E67.service-manager", "connect to the service manager", "mounts:ENOENT kernel:ENOENT,ECONNREFUSED,EACCES", service_manager, 0},
    {"E68.fast-open", "send with MSG_FASTOPEN, which Landlock does not see, to the host", NOBODY, fast_open_host, PROBE_PORTABLE},
    {"E68.fast-open-metadata", "send with MSG_FASTOPEN to the metadata service", NOWHERE, fast_open_metadata, PROBE_PORTABLE},
    {"E68.fast-open-message", "send with sendmmsg(2) and MSG_FASTOPEN to the host", NOBODY, fast_open_message, 0},
    {"E68.fast-open-connect", "connect with TCP_FASTOPEN_CONNECT to the host", NOBODY, fast_open_connect, 0},
    {"E68.multipath", "connect with multipath TCP, which Landlock does not see", FAMILY NO_FEATURE, multipath, PROBE_PORTABLE},
    {"E69.bind-device", "bind a socket to an interface that is not the sandbox's", "namespaces:ENODEV", bind_device, 0},
    {"E69.transparent", "make a socket answer for every address", "capabilities:EPERM" NO_FEATURE, transparent, 0},
    {"E69.mark", "mark packets to choose a route", "capabilities:EPERM", mark, 0},
    {"E69.repair", "take over a connection with TCP_REPAIR", "capabilities:EPERM", repair, 0},
    {"E69.raw", "make a raw socket", FAMILY, raw, PROBE_PORTABLE},
    {"E69.raw6", "make a raw IPv6 socket", FAMILY NO_FEATURE, raw6, 0},
    {"E69.packet", "make a packet socket", FAMILY NO_FEATURE, packet, PROBE_PORTABLE},
    {"E70.add-address", "give an interface an address by netlink", "capabilities:EPERM", add_address, PROBE_PORTABLE},
    {"E70.add-link", "make an interface by netlink", "capabilities:EPERM kernel:EOPNOTSUPP", add_link, 0},
    {"E70.change-link", "change an interface by netlink", "capabilities:EPERM", change_link, 0},
    {"E70.add-rule", "make a routing rule by netlink", "capabilities:EPERM kernel:EOPNOTSUPP,EAFNOSUPPORT", add_rule, 0},
    {"E70.netfilter", "make a socket to the packet filter", FAMILY NO_FEATURE, netfilter, PROBE_PORTABLE},
    {"E70.audit", "make a socket to the audit system", FAMILY NO_FEATURE, audit, 0},
    {"E70.device-events", "make a socket to the device events", FAMILY NO_FEATURE, device_events, 0},
    {"E70.interface-flags", "change an interface with ioctl(2)", "seccomp:ENOTTY,ENOSYS,EPERM", interface_flags, 0},
    {"E70.interface-address", "give an interface an address with ioctl(2)", "seccomp:ENOTTY,ENOSYS,EPERM", interface_address, 0},
    {"E72.flipped", "send to addresses that another thread flips during the call", "namespaces:ENETUNREACH,ECONNREFUSED", flipped, 0},
};
const struct probe_set network_probes = {probes, PROBE_COUNT(probes)};
