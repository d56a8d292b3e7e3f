// SPDX-License-Identifier: Apache-2.0
// A provider of PostgreSQL roles: one role per lease, one process per call, provider protocol v1 on standard
// input and output. See this module's overview.

internal import CPostgres
internal import Glibc

// The password is in this process until it ends: no core dump, no ptrace(2) by others of the same user.
_ = postgres_make_undumpable()

let signals = Signals()
let reply = Call.answer(StandardStreams.readRequest(), signals: signals)
StandardStreams.write(reply.json)
exit(0)
