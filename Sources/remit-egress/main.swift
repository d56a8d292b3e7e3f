// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import RemitEgress

exit(GateProcess.main(arguments: CommandLine.arguments, makeInspector: Inspector.init))
