// SPDX-License-Identifier: Apache-2.0

@testable import RemitSession

/// What must hold of what reaches a terminal, besides that reading it ends.
enum TerminalFuzz {
    /// What passed passes again as it is, however it is cut, and holds no control that is not on a list of its own here.
    static func output(_ bytes: [UInt8]) {
        let once = filtered(bytes, .max)
        guard filtered(once, .max) == once else { fatalError("it is filtered twice") }
        guard filtered(bytes, 1) == once, filtered(bytes, 7) == once else { fatalError("it depends on the pieces") }
        check(once)
        var keys = DetachKeys.standard
        let taken = keys.take(bytes[...])
        guard taken.isDetached || bytes.starts(with: taken.typed) else { fatalError("something else was typed") }
        var scrollback = Scrollback()
        for _ in 0..<3 { scrollback.append(bytes[...]) }
        guard scrollback.text.count <= Scrollback.limit else { fatalError("too much is kept") }
    }

    private static func filtered(_ bytes: [UInt8], _ size: Int) -> [UInt8] {
        var filter = TerminalFilter()
        var shown: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            shown += filter.pass(rest.prefix(size))
            rest = rest.dropFirst(size)
            guard filter.takeReplies().count < 128 else { fatalError("too many answers") }
        }
        let reset = filter.finish()
        guard reset.count < 512, filter.pass(reset[...]) == reset else { fatalError("what resets does not pass") }
        return shown
    }

    /// A reader of its own, with none of the filter's code: every escape is followed by what may follow.
    private static func check(_ shown: [UInt8]) {
        guard let text = String(validating: shown, as: UTF8.self) else { fatalError("it is not UTF-8") }
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            switch scalar.value {
            case 7...15, 32..<127, 160...: continue
            case 27: break
            default: fatalError("control \(scalar.value)")
            }
            guard let kind = scalars.popFirst() else { continue }
            switch kind {
            case "[":
                let body = scalars.prefix { !(64..<127).contains($0.value) }
                scalars = scalars.dropFirst(body.count)
                guard let final = scalars.popFirst() else { fatalError("a sequence without an end") }
                guard body.allSatisfy({ "0123456789;:? !".unicodeScalars.contains($0) }),
                    !"citxyzpw".unicodeScalars.contains(final) || body == ["!"]
                else { fatalError("CSI \(body) \(final)") }
                if final == "n", body != ["6"] { fatalError("a question") }
            case "]":
                let body = String(String.UnicodeScalarView(scalars.prefix { $0.value >= 32 }))
                guard body.hasPrefix("8;") else { fatalError("command \(body)") }
            case "\\": continue
            default: if "PX^_kZ %\u{20}".unicodeScalars.contains(kind), kind != "%" { fatalError("ESC \(kind)") }
            }
        }
    }

    /// Reads messages; those that were read are those that would be sent.
    static func frames(_ bytes: [UInt8]) {
        var reader = AttachFrameReader()
        reader.append(bytes[...])
        var sent: [UInt8] = []
        while true {
            do throws(AttachFrameReader.Nonsense) {
                guard let frame = try reader.next() else { break }
                // Text that is no UTF-8 is read as what it can be.
                switch frame {
                case .closed, .ended: sent = []
                default:
                    sent = frame.bytes
                    var again = AttachFrameReader()
                    again.append(sent[...])
                    guard try again.next() == frame else { fatalError("another message") }
                }
            } catch { break }
        }
    }
}
