// SPDX-License-Identifier: Apache-2.0
// Shared between the files of the launcher.

#ifndef LAUNCH_INTERNAL_H
#define LAUNCH_INTERNAL_H

#include "CLaunch.h"

int launch_run_step(const struct launch_plan *plan, const struct launch_step *step);

/// The LAUNCH_OVERLAY step.
int launch_overlay(const struct launch_plan *plan, const struct launch_step *step, int *slot, int root);

/// Closes what a slot holds, if anything. Always 0.
int launch_close_slot(int *slot);

/// Puts a descriptor into a slot in place of what it holds; -1 stays an error.
int launch_keep_in(int *slot, int descriptor);

/// An O_PATH descriptor of `path` beneath `directory`, following no symlink.
int launch_open_beneath(int directory, const char *path);

/// Attaches the detached `mount` at `path` beneath `directory`, following no symlink.
int launch_attach(int mount, int directory, const char *path);

/// Waits for one command byte from the supervisor. End of stream, or another byte: EPIPE.
int launch_await(const struct launch_plan *plan, char command);

/// Says that everything is built, and receives the last of the environment with the word to go.
int launch_ready(const struct launch_plan *plan);

/// Writes one message to the supervisor.
void launch_say(const struct launch_plan *plan, uint32_t kind, uint32_t phase, uint32_t index, int code);

/// CLOCK_MONOTONIC in nanoseconds.
uint64_t launch_now(void);

/// Runs the probes of a LAUNCH_PROVE step, and tells the supervisor. Does not return when one got through.
int launch_prove(const struct launch_plan *plan, const struct launch_step *step);

int launch_send_descriptor(const struct launch_plan *plan, int descriptor, int tag);

/// Becomes pid 1 of the sandbox: reaps, reports the agent's status, and leaves when the supervisor does.
__attribute__((noreturn)) void launch_become_init(const struct launch_plan *plan, pid_t agent);

/// Closes every descriptor from 3 up that `keep` (ascending) does not name.
/// 0, or -1 with errno.
int launch_close_others(const int *keep, size_t count);

#endif
