// SPDX-License-Identifier: Apache-2.0
// What an attached client and the supervisor say to each other once the control socket carries a terminal.

package import RemitKernel

/// One message: a byte that names it, the length of what follows in four bytes of network order, and that.
package enum AttachFrame: Hashable, Sendable {
    /// The protocol's name, as HTTP's `Upgrade` has it.
    static let `protocol` = "remit-terminal"
    /// The most one message carries.
    package static let limit = 65_536

    /// From the client: what was typed.
    case input([UInt8])
    /// From the client: its terminal's size.
    case resize(WindowSize)
    /// From the client: it leaves.
    case detach
    /// To the client: what the agent wrote.
    case output([UInt8])
    /// To the client: what the terminal has to be made to show before, in place of what an earlier client saw.
    case replay([UInt8])
    /// To the client: it is detached, and why.
    case closed(String)
    /// To the client: the session is over, with this exit code and, where that is not the agent's own, a word about it.
    case ended(Int32, String)

    private var number: UInt8 {
        switch self {
        case .input: 1
        case .resize: 2
        case .detach: 3
        case .output: 4
        case .replay: 5
        case .closed: 6
        case .ended: 7
        }
    }

    /// Whether a client may say it.
    var isClients: Bool { number <= 3 }

    package var bytes: [UInt8] {
        let payload: [UInt8] =
            switch self {
            case .input(let bytes), .output(let bytes), .replay(let bytes): bytes
            case .resize(let size): Self.bytes(size.rows) + Self.bytes(size.columns)
            case .detach: []
            case .closed(let text): Array(text.utf8.prefix(Self.limit))
            case .ended(let code, let text):
                Self.bytes(UInt32(bitPattern: code)) + text.utf8.prefix(Self.limit - 4)
            }
        return [number] + Self.bytes(UInt32(payload.count)) + payload
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        (1...(number.bitWidth / 8)).reversed().map { UInt8(truncatingIfNeeded: number >> (($0 - 1) * 8)) }
    }

    fileprivate static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    fileprivate init?(_ number: UInt8, _ payload: ArraySlice<UInt8>) {
        let payload = Array(payload)
        switch number {
        case 1: self = .input(payload)
        case 2 where payload.count == 4:
            self = .resize(
                WindowSize(
                    rows: UInt16(Self.number(payload[..<2])), columns: UInt16(Self.number(payload[2...]))))
        case 3 where payload.isEmpty: self = .detach
        case 4: self = .output(payload)
        case 5: self = .replay(payload)
        case 6: self = .closed(String(decoding: payload, as: UTF8.self))
        case 7 where payload.count >= 4:
            self = .ended(
                Int32(bitPattern: Self.number(payload[..<4])), String(decoding: payload[4...], as: UTF8.self))
        default: return nil
        }
    }
}

/// The bytes of messages, as they arrive.
package struct AttachFrameReader: Sendable {
    /// The peer does not speak the protocol.
    package struct Nonsense: Error {}

    private static let headSize = 5
    private var held: [UInt8] = []

    package init() {}

    package mutating func append(_ bytes: ArraySlice<UInt8>) { held += bytes }

    /// The next whole message, `nil` when there is none yet.
    ///
    /// - Throws: ``Nonsense`` for a message that is unknown, malformed or too long.
    package mutating func next() throws(Nonsense) -> AttachFrame? {
        guard held.count >= Self.headSize else { return nil }
        let length = Int(AttachFrame.number(held[1..<Self.headSize]))
        guard length <= AttachFrame.limit, (1...7).contains(held[0]) else { throw Nonsense() }
        guard held.count >= Self.headSize + length else { return nil }
        guard let frame = AttachFrame(held[0], held[Self.headSize..<(Self.headSize + length)]) else { throw Nonsense() }
        held.removeFirst(Self.headSize + length)
        return frame
    }
}
