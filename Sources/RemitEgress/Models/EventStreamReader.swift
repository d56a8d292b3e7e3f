// SPDX-License-Identifier: Apache-2.0

/// Finds the data in a stream of server-sent events (WHATWG HTML, "Server-sent events") that arrives in pieces.
struct EventStreamReader {
    enum Part: Equatable {
        /// Bytes of the current event's data.
        case data(ArraySlice<UInt8>)
        /// The event has ended.
        case end
    }

    private static let name = Array("data:".utf8)

    private enum State: Equatable {
        /// So many bytes of the field's name were seen.
        case name(Int)
        case data
        /// Another field, or a comment.
        case other
    }

    private var state = State.name(0)
    private var isAfterReturn = false
    private var hasData = false

    mutating func push(_ bytes: [UInt8], _ visit: (Part) -> Void) {
        var start = 0
        for (index, byte) in bytes.enumerated() {
            let isSecondHalf = isAfterReturn && byte == 0x0A
            isAfterReturn = byte == 0x0D
            if isSecondHalf {
                start = index + 1
                continue
            }
            if byte == 0x0A || byte == 0x0D {
                endLine(bytes[start..<index], visit)
                start = index + 1
            } else if case .name(let seen) = state {
                start = index + 1
                if byte == Self.name[seen] {
                    state = seen + 1 == Self.name.count ? .data : .name(seen + 1)
                } else {
                    state = .other
                }
            }
        }
        if state == .data, start < bytes.count {
            hasData = true
            visit(.data(bytes[start...]))
        }
    }

    private mutating func endLine(_ rest: ArraySlice<UInt8>, _ visit: (Part) -> Void) {
        switch state {
        case .data:
            hasData = true
            if !rest.isEmpty { visit(.data(rest)) }
        case .name(0):
            if hasData { visit(.end) }
            hasData = false
        case .name, .other: break
        }
        state = .name(0)
    }
}
