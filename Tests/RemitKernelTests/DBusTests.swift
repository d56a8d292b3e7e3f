// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import RemitKernel

@Suite struct DBusTests {
    /// JobRemoved(4711, job, `remit-x.scope`, `done`), as dbus-daemon 1.14 sent it.
    private static let signal: [UInt8] = {
        var body: [UInt8] = [0x67, 0x12, 0, 0]
        func text(_ text: String) {
            while body.count % 4 != 0 { body.append(0) }
            body += [UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8) + [0]
        }
        text("/org/freedesktop/systemd1/job/4711")
        text("remit-x.scope")
        text("done")
        var fields: [UInt8] = []
        func field(_ code: UInt8, _ type: Character, _ text: String) {
            while fields.count % 8 != 0 { fields.append(0) }
            fields += [code, 1, type.asciiValue ?? 0, 0]
            if type == "g" {
                fields += [UInt8(text.utf8.count)] + Array(text.utf8) + [0]
            } else {
                fields += [UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8) + [0]
            }
        }
        field(1, "o", "/org/freedesktop/systemd1")
        field(2, "s", "org.freedesktop.systemd1.Manager")
        field(3, "s", "JobRemoved")
        field(7, "s", ":1.0")
        field(8, "g", "uoss")
        var header: [UInt8] = [UInt8(ascii: "l"), 4, 1, 1, UInt8(body.count), 0, 0, 0, 9, 0, 0, 0]
        header += [UInt8(fields.count), 0, 0, 0] + fields
        while header.count % 8 != 0 { header.append(0) }
        return header + body
    }()

    @Test func `a signal is read, and what follows it is left`() throws {
        let bytes = Self.signal + [1, 2, 3]
        #expect(try DBusMessage.length(bytes) == Self.signal.count)
        let message = try DBusMessage(bytes)
        #expect(message.kind == .signal && message.member == "JobRemoved" && message.replySerial == nil)
        #expect(
            message.arguments == [
                .number(4711), .text("/org/freedesktop/systemd1/job/4711"), .text("remit-x.scope"), .text("done"),
            ]
        )
        #expect(message.text(0) == nil && message.text(3) == "done" && message.text(4) == nil)
    }

    @Test func `a message that breaks off anywhere is incomplete or refused, never read past its end`() throws {
        for count in 0..<Self.signal.count {
            let cut = Array(Self.signal[..<count])
            if count < 16 { #expect(try DBusMessage.length(cut) == nil) }
            #expect(throws: DBusFormatError.self) { _ = try DBusMessage(cut) }
        }
    }

    @Test func `any changed byte is read as something or refused`() {
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for round in 0..<20_000 {
            var bytes = Self.signal
            for _ in 0...round % 3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if (try? DBusMessage(bytes)) == nil { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test func `a length that no message has is not waited for`() {
        var bytes = Self.signal
        bytes.replaceSubrange(4..<8, with: [255, 255, 255, 127])
        #expect(throws: DBusFormatError.self) { _ = try DBusMessage.length(bytes) }
        bytes = Self.signal
        bytes[0] = UInt8(ascii: "B")
        #expect(throws: DBusFormatError.self) { _ = try DBusMessage.length(bytes) }
    }

    @Test func `a call is laid out as busctl lays it out`() throws {
        var body = DBusCall.Body()
        body.add("remit-x.scope")
        body.add("fail")
        body.add(properties: [("Delegate", .flag(true)), ("PIDs", .numbers([4711]))])
        body.addNoUnits()
        let bytes = DBusCall.bytes(
            serial: 7, to: "org.freedesktop.systemd1", path: "/org/freedesktop/systemd1",
            interface: "org.freedesktop.systemd1.Manager", member: "StartTransientUnit", body: body
        )
        #expect(try DBusMessage.length(bytes) == bytes.count)
        let message = try DBusMessage(bytes)
        #expect(message.kind == .call && message.member == "StartTransientUnit")
        #expect(message.arguments == [.text("remit-x.scope"), .text("fail")])
        let tail = Array(bytes.suffix(88))
        // a(sv) of 72 bytes: {"Delegate", <true>}, {"PIDs", <[4711]>}; then an empty array, aligned to its structs.
        let expected: [UInt8] =
            [8, 0, 0, 0] + Array("Delegate\0".utf8) + [1, 98, 0] + [1, 0, 0, 0]
            + [0, 0, 0, 0, 4, 0, 0, 0] + Array("PIDs\0".utf8) + [2, 97, 117, 0, 0, 0, 0]
            + [4, 0, 0, 0, 0x67, 0x12, 0, 0]
        #expect(tail.firstRange(of: expected) != nil, "\(tail)")
        #expect(bytes.suffix(8) == [0, 0, 0, 0, 0, 0, 0, 0] || bytes.suffix(4) == [0, 0, 0, 0], "\(tail)")
    }

    @Test func `who listens and says nothing is not waited for longer than allowed`() throws {
        let scratch = try Scratch()
        let number = listener(at: scratch.file("bus"))
        defer { close(number) }
        let start = BootInstant.now
        let failure = #expect(throws: UserManagerError.self) {
            _ = try UserManager(runtimeDirectory: scratch.path, patience: .milliseconds(200))
        }
        #expect(failure?.description.contains("does not answer within") == true, "\(String(describing: failure))")
        #expect(start.duration(to: .now) < .seconds(2))
    }

    @Test func `where nobody listens, that is what is said`() throws {
        let scratch = try Scratch()
        let failure = #expect(throws: UserManagerError.self) {
            _ = try UserManager(runtimeDirectory: scratch.path)
        }
        #expect(
            failure?.description == "cannot be reached below `\(scratch.path)`: no such file or directory",
            "\(String(describing: failure))"
        )
    }

    @Test(arguments: [
        "REJECTED EXTERNAL\r\n", "OK 1234\r\nl\u{2}\u{1}\u{7}garbage garbage garbage", "\u{0}\u{1}\u{2}\r\n",
    ])
    func `who speaks something else is refused`(_ said: String) throws {
        let scratch = try Scratch()
        let number = listener(at: scratch.file("bus"))
        defer { close(number) }
        let peer = Thread {
            let connection = accept(number, nil, nil)
            let bytes = Array(said.utf8)
            _ = write(connection, bytes, bytes.count)
            usleep(500_000)
            close(connection)
        }
        peer.start()
        let failure = #expect(throws: UserManagerError.self) {
            let manager = try UserManager(runtimeDirectory: scratch.path, patience: .seconds(5))
            _ = try manager.support(unified: "/sys/fs/cgroup")
        }
        let words = failure?.description ?? ""
        #expect(words.hasPrefix("does not believe") || words.hasPrefix("does not speak D-Bus"), "\(words)")
    }
}

/// A blocking listener on a socket file.
private func listener(at path: String) -> CInt {
    let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { place in
        for (index, byte) in path.utf8.enumerated() where index < place.count - 1 { place[index] = byte }
    }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
    }
    guard bound == 0, listen(listener, 4) == 0 else { return -1 }
    return listener
}
