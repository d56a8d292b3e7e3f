// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// This program, once more, in a session of its own without a terminal.
package struct BackgroundProcess {
    private let pid: pid_t
    private let report: DescriptorBox
    private let diagnostics: DescriptorBox

    /// Starts it. It inherits the environment, the working directory and every descriptor that is not close-on-exec; its
    /// input and output are nothing, its standard error is kept.
    ///
    /// The corresponding function is `posix_spawn(3)`, with `POSIX_SPAWN_SETSID`.
    ///
    /// - Parameter arguments: without the program's name, given the descriptor on which it reports.
    package init(_ arguments: (_ report: CInt) -> [String]) throws(SystemCallError) {
        let reports = try RemitKernel.pipe()
        let errors = try RemitKernel.pipe()
        let null = try FileSystem.open("/dev/null", O_RDWR)
        let number = reports.write.number
        let words = CStrings(["remit"] + arguments(number))
        defer { withExtendedLifetime(words) {} }
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        // The same number twice clears close-on-exec.
        let streams: [(CInt, CInt)] = [(null.number, 0), (null.number, 1), (errors.write.number, 2), (number, number)]
        for (source, target) in streams { unsafe posix_spawn_file_actions_adddup2(&actions, source, target) }
        // POSIX_SPAWN_SETSID
        unsafe posix_spawnattr_setflags(&attributes, 0x80)
        report = DescriptorBox(try reports.read.duplicate())
        diagnostics = DescriptorBox(try errors.read.duplicate())
        var child: pid_t = 0
        let code = unsafe posix_spawn(
            &child, "/proc/self/exe", &actions, &attributes, words.pointers, environ)
        guard code == 0 else { throw SystemCallError("start the session in the background", Errno(code: code)) }
        pid = child
    }

    /// Waits until it has reported, or has ended.
    ///
    /// - Returns: the line it reported; otherwise its exit code, and what it wrote to standard error.
    package func wait() -> Result {
        var line: [UInt8] = []
        while line.count < 4096, line.last != 0x0A {
            var bytes = [UInt8](repeating: 0, count: 256)
            let count = unsafe read(report.number, &bytes, bytes.count)
            if count < 0, Errno.last == .interrupted { continue }
            guard count > 0 else { break }
            line += bytes[..<count]
        }
        if line.last == 0x0A { return .reported(String(decoding: line.dropLast(), as: UTF8.self)) }
        var status: CInt = 0
        while unsafe waitpid(pid, &status, 0) < 0, Errno.last == .interrupted {}
        // What it started may hold the other end; what it wrote itself is there by now.
        _ = fcntl(diagnostics.number, F_SETFL, O_NONBLOCK)
        var text: [UInt8] = []
        while true {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(diagnostics.number, &bytes, bytes.count)
            guard count > 0 else { break }
            text += bytes[..<count]
        }
        return .ended(WaitStatus(rawValue: status).exitCode, text)
    }

    package enum Result: Sendable {
        case reported(String)
        case ended(Int32, [UInt8])
    }
}
