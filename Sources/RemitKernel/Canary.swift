// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Something of the host that nothing in a sandbox may touch, and that notices when it was.
///
/// One that cannot notice would prove nothing: each is touched once when it is made, and has to notice that.
package final class Canary {
    private enum Kind {
        case socket(DescriptorBox)
        case file(DescriptorBox)
        case process(Child, ProcessIdentity)
    }

    /// In words, for people.
    package let name: String
    /// `NAME=value`, by which a probe finds it.
    package let variable: String
    private let kind: Kind

    private init(_ name: String, _ variable: String, _ kind: Kind) {
        self.name = name
        self.variable = variable
        self.kind = kind
    }

    // MARK: making

    /// A listener, or a socket for datagrams, on a free port of 127.0.0.1.
    package static func port(datagrams: Bool) throws(SystemCallError) -> Canary {
        var port: UInt16 = 0
        let type = CInt((datagrams ? SOCK_DGRAM : SOCK_STREAM).rawValue)
        let number = try check("listen on 127.0.0.1") { unsafe linux_canary_port(type, &port) }
        return try socket(
            datagrams ? "UDP socket of the host" : "TCP listener of the host",
            datagrams ? "REMIT_CANARY_UDP=\(port)" : "REMIT_CANARY_TCP=\(port)", number)
    }

    /// A listener in the host's abstract name space.
    package static func abstract(_ name: String) throws(SystemCallError) -> Canary {
        let number = try check("listen on `@\(name)`") { unsafe linux_canary_unix(name, 1) }
        return try socket("abstract socket of the host", "REMIT_CANARY_ABSTRACT=\(name)", number)
    }

    /// A listener at a path.
    package static func socket(at path: String) throws(SystemCallError) -> Canary {
        let number = try check("listen on `\(path)`") { unsafe linux_canary_unix(path, 0) }
        return try socket("socket file of the host", "REMIT_CANARY_SOCKET=\(path)", number)
    }

    private static func socket(_ name: String, _ variable: String, _ number: CInt) throws(SystemCallError) -> Canary {
        let canary = Canary(name, variable, .socket(DescriptorBox(OwnedDescriptor(adopting: number))))
        try check("touch the \(name)") { linux_canary_touch(number) }
        return try canary.tried()
    }

    /// A file with a secret that everybody may read and write, as far as its mode goes.
    package static func file(at path: String, _ secret: String) throws(SystemCallError) -> Canary {
        do {
            let file = try FileSystem.create(path)
            try FileSystem.writeAll(file.number, Array(secret.utf8), name: path)
            let number = file.number
            try check("open `\(path)` to everybody") { fchmod(number, 0o666) }
        }
        let watch = try check("watch `\(path)`") { unsafe linux_watch_file(path) }
        let canary = Canary(
            "secret file of the host", "REMIT_CANARY_FILE=\(path)",
            .file(DescriptorBox(OwnedDescriptor(adopting: watch))))
        _ = try FileSystem.read(path, limit: 4096)
        return try canary.tried()
    }

    /// A process of the given user that sleeps; as long as we live.
    package static func process(user: UInt32, group: UInt32) throws(SystemCallError) -> Canary {
        let identity: [LaunchStep] = CurrentProcess.isRoot ? [.dropGroups, .identity(user: user, group: group)] : []
        let plan = LaunchPlan(
            // Changed credentials make the kernel forget the death signal.
            setup: [.deathSignal, .awaitMapping, .newSession, .defaultSignals] + identity + [
                .deathSignal, .execute(["/usr/bin/sleep", "/bin/sleep"]),
            ],
            arguments: ["sleep", "600"], environment: [])
        let child = try Child.launch(plan, descriptors: [:])
        try child.mapped()
        if case .failed(let failure) = try child.receive() {
            child.collect()
            throw SystemCallError(failure.step, failure.errno)
        }
        guard let marked = ProcessIdentity(pid: child.pid) else {
            throw SystemCallError("look at process \(child.pid)", .noSuchProcess)
        }
        return Canary("process of the host", "REMIT_CANARY_PID=\(child.pid)", .process(child, marked))
    }

    private func tried() throws(SystemCallError) -> Canary {
        guard try touch() != nil else { throw SystemCallError("see the \(name) being touched", .unsupported) }
        return self
    }

    // MARK: looking

    /// What happened to it since the last look; `nil`: nothing.
    ///
    /// - Throws: ``SystemCallError`` when that cannot be found out.
    package func touch() throws(SystemCallError) -> String? {
        switch kind {
        case .socket(let socket):
            let number = socket.number
            return try check("look at the \(name)") { linux_canary_touched(number) } > 0 ? "was reached" : nil
        case .file(let watch):
            var events = [UInt8](repeating: 0, count: 4096)
            var count = 0
            repeat {
                let part = unsafe read(watch.number, &events, events.count)
                if part < 0, Errno.last != .again { throw SystemCallError("look at the \(name)", .last) }
                if part <= 0 { break }
                count += part
            } while true
            return count > 0 ? "was opened, read or changed" : nil
        case .process(let child, let marked):
            guard child.reap() == nil, ProcessIdentity(pid: child.pid) == marked else { return "was ended" }
            let status = String(
                decoding: try FileSystem.read("/proc/\(child.pid)/status", limit: 65_536), as: UTF8.self)
            if status.contains("\nState:\tT") || status.contains("\nState:\tt") { return "was stopped" }
            return status.contains("\nTracerPid:\t0\n") ? nil : "is being traced"
        }
    }

    /// Ends what has to be ended.
    package func remove() {
        guard case .process(let child, _) = kind, child.reap() == nil else { return }
        try? child.signal(SIGKILL)
        child.collect()
    }
}
