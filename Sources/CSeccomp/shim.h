// SPDX-License-Identifier: Apache-2.0
// libseccomp, with its one variadic call wrapped for Swift.

#ifndef CSECCOMP_SHIM_H
#define CSECCOMP_SHIM_H

#include <errno.h>
#include <seccomp.h>

static inline int seccomp_rule_exact(scmp_filter_ctx context, uint32_t action, int call,
                                     const struct scmp_arg_cmp *arguments, unsigned int count) {
    return seccomp_rule_add_exact_array(context, action, call, count, arguments);
}

static inline uint32_t seccomp_action_errno(uint16_t code) { return SCMP_ACT_ERRNO(code); }
static inline uint32_t seccomp_action_allow(void) { return SCMP_ACT_ALLOW; }
static inline uint32_t seccomp_action_notify(void) { return SCMP_ACT_NOTIFY; }
static inline uint32_t seccomp_action_kill(void) { return SCMP_ACT_KILL_PROCESS; }

#endif
