// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import RemitGate
import RemitKernel
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

struct WebSocketTests {
    private let placeholder = "sk-ant-remit0placeholder0placeholder0"
    private let real = "sk-ant-real00secret00000secret00000xx"
    private static let key = [UInt8]([1, 2, 3, 4])

    private func frame(_ payload: String, opcode: UInt8 = 1, isFinal: Bool = true, isMasked: Bool = true) -> [UInt8] {
        var buffer = ByteBuffer()
        WebSocketFrames.write(Array(payload.utf8), opcode: opcode, isFinal: isFinal, isMasked: isMasked, into: &buffer)
        return Array(buffer.readableBytesView)
    }

    private func messages(_ bytes: [UInt8], isMasked: Bool) throws -> [String] {
        var frames = WebSocketFrames(isMasked: isMasked)
        var buffer = ByteBuffer(bytes: bytes)
        var messages: [String] = []
        var current: [UInt8] = []
        while let piece = try frames.next(&buffer) {
            switch piece {
            case .control(let payload, let opcode):
                messages.append("\(opcode):" + String(decoding: payload, as: UTF8.self))
            case .data(let payload, _, let isEnd):
                current += payload
                if isEnd {
                    messages.append(String(decoding: current, as: UTF8.self))
                    current = []
                }
            }
        }
        return messages
    }

    @Test func `frames are read in any pieces`() throws {
        let bytes =
            frame("hel", isFinal: false) + frame("", opcode: 9) + frame("lo", opcode: 0)
            + frame(String(repeating: "x", count: 70_000), opcode: 2)
        var frames = WebSocketFrames(isMasked: true)
        var buffer = ByteBuffer()
        var text: [UInt8] = []
        var ends = 0
        for byte in bytes {
            buffer.writeInteger(byte)
            while let piece = try frames.next(&buffer) {
                if case .data(let payload, _, let isEnd) = piece {
                    text += payload
                    ends += isEnd ? 1 : 0
                }
            }
        }
        #expect(String(decoding: text, as: UTF8.self) == "hello" + String(repeating: "x", count: 70_000))
        #expect(ends == 2)
    }

    @Test(arguments: [
        [0x81, 0x00], [0xC1, 0x80, 1, 2, 3, 4], [0x83, 0x80, 1, 2, 3, 4], [0x80, 0x80, 1, 2, 3, 4],
        [0x09, 0x80, 1, 2, 3, 4],
        [0x89, 0xFE, 0, 126, 1, 2, 3, 4], [0x81, 0xFE, 0, 1, 1, 2, 3, 4],
        [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        [0x01, 0x80, 1, 2, 3, 4, 0x81, 0x80, 1, 2, 3, 4],
    ])
    func `frames that do not follow the protocol are refused`(_ bytes: [UInt8]) {
        var frames = WebSocketFrames(isMasked: true)
        var buffer = ByteBuffer(bytes: bytes)
        #expect(throws: WebSocketFrames.Malformed.self) {
            while try frames.next(&buffer) != nil {}
        }
    }

    private struct Setup {
        let gate: GateHarness
        let host: Listener
        let heard: Heard
    }

    private final class Heard: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    /// A host that accepts every WebSocket, says one message, and keeps what it hears.
    private func setup(slot: SecretSlot?, says: [UInt8]) throws -> Setup {
        let heard = Heard()
        let host = Listener { descriptor in
            Thread.detachNewThread {
                let head = descriptor.hear(until: "\r\n\r\n")
                heard.bytes.withLock { $0 += head.utf8 }
                descriptor.say(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
                )
                descriptor.say(says)
                heard.bytes.withLock { $0 = [] }
                var byte: UInt8 = 0
                while recv(descriptor, &byte, 1, 0) == 1 { heard.bytes.withLock { $0.append(byte) } }
            }
        }
        let bindings =
            slot.map { [SecretBinding(lease: "model", hosts: .any, ports: [80], slot: $0, allowsClearText: true)] }
            ?? []
        let gate = try GateHarness(to: host.port, host: "a.example", port: 80, isTLS: false, bindings: bindings)
        if slot != nil {
            gate.inspector.bind(
                SecretGrant(
                    lease: "model", bindings: bindings,
                    parts: [SecretPart(placeholder: placeholder, value: Secret(Array(real.utf8)))]
                )
            )
        }
        return Setup(gate: gate, host: host, heard: heard)
    }

    private let upgrade =
        "GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"

    @Test func `without secrets bytes pass as they are`() throws {
        let setup = try setup(slot: nil, says: frame("welcome", isMasked: false))
        let client = try RawClient(setup.gate.port)
        client.send(upgrade)
        #expect(client.read(until: "welcome").hasPrefix("HTTP/1.1 101 "))
        client.send(frame("hello"))
        for _ in 0..<2000 where setup.heard.bytes.withLock({ $0.count }) < 11 { usleep(5000) }
        #expect(try messages(setup.heard.bytes.withLock { $0 }, isMasked: true) == ["hello"])
    }

    @Test func `a placeholder in a message is swapped where it is bound, and the secret is not echoed`() throws {
        let setup = try setup(slot: .body, says: frame("you are \(real)", isMasked: false))
        let client = try RawClient(setup.gate.port)
        client.send(upgrade)
        let answer = client.read(until: placeholder)
        #expect(answer.contains("you are \(placeholder)"))
        #expect(!answer.contains(real))
        let half = placeholder.index(placeholder.startIndex, offsetBy: 12)
        client.send(frame("key \(placeholder[..<half])", isFinal: false))
        client.send(frame("\(placeholder[half...]) end", opcode: 0))
        for _ in 0..<2000 where (try? messages(setup.heard.bytes.withLock { $0 }, isMasked: true))?.isEmpty ?? true {
            usleep(5000)
        }
        #expect(try messages(setup.heard.bytes.withLock { $0 }, isMasked: true) == ["key \(real) end"])
    }

    @Test func `a placeholder in a message to where it is not bound cuts the connection`() throws {
        let setup = try setup(slot: nil, says: frame("welcome", isMasked: false))
        let elsewhere = [SecretBinding(lease: "model", hosts: try HostPattern("other.example"), slot: .body)]
        setup.gate.inspector.bind(
            SecretGrant(
                lease: "model", bindings: elsewhere,
                parts: [SecretPart(placeholder: placeholder, value: Secret(Array(real.utf8)))]
            )
        )
        let client = try RawClient(setup.gate.port)
        client.send(upgrade)
        _ = client.read(until: "welcome")
        client.send(frame("my key is \(placeholder)", opcode: 2))
        #expect(client.bytes() == nil)
        #expect(setup.gate.told.contains { if case .tripwire = $0 { true } else { false } })
        #expect(!String(decoding: setup.heard.bytes.withLock { $0 }, as: UTF8.self).contains("placeholder0"))
    }
}
