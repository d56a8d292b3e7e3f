// SPDX-License-Identifier: Apache-2.0
// libyaml: the parser that Yams wraps, without Yams' Swift layer, which brings the whole of Foundation along.

#include <yaml.h>
