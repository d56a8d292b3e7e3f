// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import RemitKernel

/// The process of a gate: what it takes away from itself before it reads the first byte, and how it ends.
package enum GateProcess {
    private static let control: CInt = 3

    /// Runs the gate; for `main` only.
    ///
    /// - Returns: the exit status: 0 when it was told to end or its supervisor did, 64 when it was started by hand, 125 when
    ///   it cannot go on.
    package static func main(arguments: [String], makeInspector: @escaping Gate.MakeInspector) -> Int32 {
        CurrentProcess.occupyStandardStreams()
        guard arguments.count == 1, Sockets.isSocket(control, .unixStream) else {
            say(
                "it is started by `remit run`, with its control socket as descriptor \(control), and takes no arguments"
            )
            return 64
        }
        do throws(SystemCallError) {
            try ProcessHardening.harden()
            try ProcessHardening.closeDescriptors(from: control + 1)
            try ProcessHardening.closeStandardStreams()
            SignalSource.setDispositions()
            // An agent that keeps every processor busy would otherwise have its turn before a fence.
            ProcessHardening.respondPromptly()
            ProcessHardening.ignoreTerminal()
            SystemResolver.configure()
            let socket = OwnedDescriptor(adopting: control)
            Sockets.setNonBlocking(control)
            let gate = try Gate(makeInspector: makeInspector)
            guard let reason = try gate.run(control: socket) else { return 0 }
            say(reason)
            return reason == ControlChannel.supervisorEnded ? 0 : 125
        } catch {
            say("\(error)")
            return 125
        }
    }

    private static func say(_ text: String) {
        let line = Array("remit-egress: \(text)\n".utf8)
        try? FileSystem.writeAll(2, line, name: "standard error")
    }
}
