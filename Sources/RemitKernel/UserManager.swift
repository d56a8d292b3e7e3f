// SPDX-License-Identifier: Apache-2.0
// The user's own systemd: who may hand an ordinary user a control group, see org.freedesktop.systemd1(5).

internal import CLinux
internal import Glibc

/// Why the user's systemd gave nothing; in words, after "the user's systemd".
package struct UserManagerError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// What the user's systemd can delegate.
package struct UserManagerSupport: Hashable, Sendable {
    /// The manager's own group, a directory of the unified hierarchy.
    package let group: String
    /// Controllers that it was given itself, and so can hand on.
    package let controllers: Set<String>
    package let hasKill: Bool
}

/// A connection to the user's systemd, over the user's bus or, where there is none, its own socket. Blocking, and never
/// for longer than ``patience`` in all: it is used before the first event of a session.
package final class UserManager {
    /// How long a session's start may wait for it: a host that is busy should not lose its limits for that.
    package static let patience: Duration = .seconds(5)

    private static let service = "org.freedesktop.systemd1"
    private static let object = "/org/freedesktop/systemd1"
    private static let manager = "org.freedesktop.systemd1.Manager"

    private let socket: OwnedDescriptor
    /// Our end is a bus with other peers, not systemd itself.
    private let isBus: Bool
    private let patience: Duration
    private let deadline: BootInstant
    private var received: [UInt8] = []
    private var lastSerial: UInt32 = 0

    /// Connects and says who we are; by the time of the first answer it is known whether that was believed.
    ///
    /// - Throws: ``UserManagerError``.
    package init(runtimeDirectory: String, patience: Duration = UserManager.patience) throws(UserManagerError) {
        self.patience = patience
        deadline = BootInstant.now.advanced(by: patience)
        // The bus is the interface that is promised; without dbus the manager listens on a socket of its own.
        var last = Errno.notFound
        var found: (socket: CInt, isBus: Bool)?
        for (path, isBus) in [("\(runtimeDirectory)/bus", true), ("\(runtimeDirectory)/systemd/private", false)] {
            let number = unsafe linux_connect_unix(path)
            if number >= 0 {
                found = (number, isBus)
                break
            }
            last = .last
        }
        guard let found else { throw UserManagerError("cannot be reached below `\(runtimeDirectory)`: \(last)") }
        socket = OwnedDescriptor(adopting: found.socket)
        isBus = found.isBus
        var owner: uid_t = 0
        guard unsafe linux_peer_uid(found.socket, &owner) == 0, owner == geteuid() || owner == 0 else {
            throw UserManagerError("is not who listens below `\(runtimeDirectory)`")
        }
        // SASL EXTERNAL with our uid in hexadecimal of its decimal digits, all in one write: nothing in it waits.
        let user = "\(geteuid())".utf8.map { "3\($0 - 48)" }.joined()
        var greeting: [UInt8] = [0] + Array("AUTH EXTERNAL \(user)\r\nBEGIN\r\n".utf8)
        if isBus {
            greeting += call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")
        }
        try send(greeting)
        try readGreeting()
    }

    /// What the manager has to hand on.
    ///
    /// - Parameter unified: the mount of the unified hierarchy.
    package func support(unified: String) throws(UserManagerError) -> UserManagerSupport {
        var body = DBusCall.Body()
        body.add(Self.manager)
        body.add("ControlGroup")
        let serial = try ask("org.freedesktop.DBus.Properties", "Get", body)
        let reply = try answer(to: serial)
        // An absolute path below the mount, and nothing that climbs out of it.
        guard let path = reply.text(0), path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            throw UserManagerError("does not say which control group is its own")
        }
        let group = unified + (path == "/" ? "" : path)
        guard let bytes = try? FileSystem.read("\(group)/cgroup.controllers", limit: 4096) else {
            throw UserManagerError("says that its control group is `\(path)`, which this host does not have")
        }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
        return UserManagerSupport(
            group: group, controllers: Set(words), hasKill: FileSystem.exists("\(group)/cgroup.kill")
        )
    }

    /// Moves a process into a new scope that is delegated to us: what we make below it is ours.
    ///
    /// The caller cannot do that itself: it may live in a login session, and for a move between two groups one must be
    /// allowed to write to what is above both.
    ///
    /// - Throws: ``UserManagerError``; the process is where it was then.
    package func startScope(_ unit: String, process: Int32, description: String) throws(UserManagerError) {
        var body = DBusCall.Body()
        body.add(unit)
        body.add("fail")
        body.add(properties: [
            ("Description", .text(description)), ("Delegate", .flag(true)),
            ("CollectMode", .text("inactive-or-failed")), ("PIDs", .numbers([UInt32(process)])),
        ])
        body.addNoUnits()
        if isBus {
            var rule = DBusCall.Body()
            rule.add("type='signal',sender='\(Self.service)',interface='\(Self.manager)',member='JobRemoved'")
            try send(
                call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", rule)
            )
        }
        let serial = try ask(Self.manager, "StartTransientUnit", body)
        var early: [DBusMessage] = []
        guard let job = try answer(to: serial, others: &early).text(0) else {
            throw UserManagerError("does not say which job starts the scope")
        }
        // The answer says that the job is queued; the move is done when it is removed again.
        while true {
            let message = early.isEmpty ? try next() : early.removeFirst()
            guard message.kind == .signal, message.member == "JobRemoved", message.text(1) == job else { continue }
            guard message.text(3) == "done" else {
                throw UserManagerError("did not start the scope: \(message.text(3) ?? "no result")")
            }
            return
        }
    }

    // MARK: the conversation

    private func call(
        _ destination: String, _ path: String, _ interface: String, _ member: String,
        _ body: DBusCall.Body = DBusCall.Body()
    ) -> [UInt8] {
        lastSerial += 1
        return DBusCall.bytes(
            serial: lastSerial, to: isBus ? destination : nil, path: path, interface: interface, member: member,
            body: body
        )
    }

    private func ask(_ interface: String, _ member: String, _ body: DBusCall.Body) throws(UserManagerError) -> UInt32 {
        try send(call(Self.service, Self.object, interface, member, body))
        return lastSerial
    }

    private func answer(to serial: UInt32) throws(UserManagerError) -> DBusMessage {
        var others: [DBusMessage] = []
        return try answer(to: serial, others: &others)
    }

    private func answer(to serial: UInt32, others: inout [DBusMessage]) throws(UserManagerError) -> DBusMessage {
        while true {
            let message = try next()
            guard message.replySerial == UInt64(serial), message.kind == .reply || message.kind == .error else {
                others.append(message)
                continue
            }
            guard message.kind == .reply else {
                let words = [message.errorName, message.text(0)].compactMap { $0 }.joined(separator: ": ")
                throw UserManagerError("refuses: \(words.isEmpty ? "no reason given" : words)")
            }
            return message
        }
    }

    /// The server's lines of the authentication end with its `OK`; messages follow.
    private func readGreeting() throws(UserManagerError) {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                guard line.hasPrefix("OK ") else { throw UserManagerError("does not believe who we are") }
                return
            }
            guard received.count < 4096 else { throw UserManagerError("does not speak D-Bus") }
            try receive()
        }
    }

    private func next() throws(UserManagerError) -> DBusMessage {
        while true {
            do throws(DBusFormatError) {
                if let length = try DBusMessage.length(received), length <= received.count {
                    let message = try DBusMessage(Array(received[..<length]))
                    received.removeFirst(length)
                    return message
                }
            } catch {
                throw UserManagerError("does not speak D-Bus: \(error)")
            }
            try receive()
        }
    }

    private func send(_ bytes: [UInt8]) throws(UserManagerError) {
        var sent = 0
        while sent < bytes.count {
            try wait(for: Int16(POLLOUT))
            let from = sent
            let number = socket.number
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    number, buffer.baseAddress.map { unsafe $0 + from }, bytes.count - from,
                    CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
                )
            }
            if count >= 0 { sent += count } else if ![.again, .interrupted].contains(Errno.last) { try lost(.last) }
        }
    }

    private func receive() throws(UserManagerError) {
        try wait(for: Int16(POLLIN))
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = unsafe recv(socket.number, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        if count > 0 {
            received += buffer[..<count]
        } else if count == 0 {
            try lost(Errno(code: ECONNRESET))
        } else if ![.again, .interrupted].contains(Errno.last) {
            try lost(.last)
        }
    }

    private func lost(_ errno: Errno) throws(UserManagerError) { throw UserManagerError("went away: \(errno)") }

    private func wait(for event: Int16) throws(UserManagerError) {
        let rest = BootInstant.now >= deadline ? 0 : BootInstant.now.duration(to: deadline).nanoseconds / 1_000_000
        var poller = pollfd(fd: socket.number, events: event, revents: 0)
        let count = unsafe poll(&poller, 1, CInt(clamping: rest))
        if count == 0 { throw UserManagerError("does not answer within \(patience.nanoseconds / 1_000_000) ms") }
        if count < 0, Errno.last != .interrupted { try lost(.last) }
    }
}

extension UserManager {
    /// Where the user's systemd listens, see XDG_RUNTIME_DIR in pam_systemd(8). Asked of nobody: a shell started by
    /// su(1) or cron(8) has no such variable, and the same manager.
    package static var runtimeDirectory: String { "/run/user/\(geteuid())" }
}
