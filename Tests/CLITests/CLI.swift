// SPDX-License-Identifier: Apache-2.0
// The built binary as a black box. Its tests share a machine's processes, cores and user namespaces, so they run one
// after the other.

import RemitTesting
import Testing

/// Everything that runs the binary named by REMIT_BINARY (otherwise `.build/release/remit`).
@Suite(
    .serialized,
    .enabled(if: Playground.hasBinary, "no binary: set REMIT_BINARY, or build the release first")
)
enum CLI {}
