// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Signals that arrive as reads on a descriptor, see signalfd(2).
package final class SignalSource {
    private let descriptor: DescriptorBox

    /// Blocks `signals` for this thread and delivers them here instead.
    ///
    /// - Throws: ``SystemCallError`` when the process has no descriptor left.
    package init(_ signals: [CInt]) throws(SystemCallError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        descriptor = DescriptorBox(
            OwnedDescriptor(
                adopting: try check("wait for signals") {
                    unsafe signalfd(-1, &set, CInt(SFD_CLOEXEC | SFD_NONBLOCK))
                }
            )
        )
    }

    package var number: CInt { descriptor.number }

    /// The next signal, or `nil` when none is waiting.
    package func next() -> CInt? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return unsafe read(descriptor.number, &information, size) == size ? CInt(information.ssi_signo) : nil
    }

    /// Dispositions that do not depend on whoever started us: a closed pipe and a full file are errors to handle, not
    /// ends of the supervisor, and children stay until they are collected.
    package static func setDispositions() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGCHLD, SIG_DFL)
    }
}
