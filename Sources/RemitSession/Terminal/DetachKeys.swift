// SPDX-License-Identifier: Apache-2.0

/// The keys that leave a session to itself, picked out of what is typed.
package struct DetachKeys: Hashable, Sendable {
    /// Ctrl-backslash, then `d`. Ctrl-P and Ctrl-Q, as other tools have it, are keys of shells and editors: the first of them
    /// would always arrive late.
    package static let standard = DetachKeys(keys: [0x1C, UInt8(ascii: "d")])

    private let keys: [UInt8]
    /// Typed, and the beginning of the keys: neither passed on nor complete.
    private var pending: [UInt8] = []

    private init(keys: [UInt8]) { self.keys = keys }

    /// Reads keys between commas, each one character or `ctrl-` and one of `a` to `z`, `@`, `[`, `\`, `]`, `^`, `_`. No keys
    /// at all leave only signals to detach.
    ///
    /// - Returns: `nil` when the text is something else, or longer than eight keys.
    package init?(_ text: String) {
        var keys: [UInt8] = []
        for word in text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false) {
            let bytes = Array(word.utf8)
            if bytes.count == 1, (0x21..<0x7F).contains(bytes[0]) {
                keys.append(bytes[0])
            } else if bytes.count == 6, word.lowercased().hasPrefix("ctrl-"), let key = Self.control(bytes[5]) {
                keys.append(key)
            } else {
                return nil
            }
        }
        guard keys.count <= 8 else { return nil }
        self.keys = keys
    }

    private static func control(_ key: UInt8) -> UInt8? {
        switch key {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): key & 0x1F
        case UInt8(ascii: "@")...UInt8(ascii: "_"): key & 0x1F
        default: nil
        }
    }

    /// What of the typed bytes goes to the agent, and whether the keys were complete; what follows them goes nowhere.
    package mutating func take(_ bytes: ArraySlice<UInt8>) -> (typed: [UInt8], isDetached: Bool) {
        guard !keys.isEmpty else { return (Array(bytes), false) }
        var typed: [UInt8] = []
        for byte in bytes {
            pending.append(byte)
            while !pending.isEmpty, !keys.starts(with: pending) { typed.append(pending.removeFirst()) }
            if pending.count == keys.count {
                pending = []
                return (typed, true)
            }
        }
        return (typed, false)
    }
}
