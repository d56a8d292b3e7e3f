// SPDX-License-Identifier: Apache-2.0

#include "probe.h"

const struct probe_set processes_probes = {NULL, 0};
