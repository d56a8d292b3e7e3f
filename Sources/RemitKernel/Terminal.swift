// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// The caller's terminal while it is relayed byte by byte.
package final class RawTerminal {
    private let descriptor: CInt
    private var saved = termios()
    private var isRaw = false

    /// Switches the terminal to raw mode; ``restore()`` or the end of this object switches it back.
    ///
    /// - Throws: ``SystemCallError`` when `descriptor` is no terminal.
    package init(_ descriptor: CInt) throws(SystemCallError) {
        self.descriptor = descriptor
        var state = termios()
        try check("read the terminal's mode") { unsafe tcgetattr(descriptor, &state) }
        saved = state
        unsafe linux_make_raw(&state)
        try check("set the terminal's mode") { unsafe tcsetattr(descriptor, TCSADRAIN, &state) }
        isRaw = true
    }

    deinit { restore() }

    package func restore() {
        guard isRaw else { return }
        isRaw = false
        // What is still unread is thrown away: the agent can have asked the terminal for a report, and the answer, whose
        // text it chose, must not be typed into the caller's shell.
        unsafe tcsetattr(descriptor, TCSAFLUSH, &saved)
    }

    /// Throws away what the terminal still answers: over a slow line that comes after the mode was restored, and would be
    /// typed into the caller's shell.
    ///
    /// A terminal answers in order, so when it has said that it works (DSR 5) it has said everything.
    package func discardAnswers(within limit: Duration) {
        guard isRaw else { return }
        Self.write(Array("\u{1b}[5n".utf8), to: descriptor, within: limit)
        let last = Array("\u{1b}[0n".utf8)
        var tail: [UInt8] = []
        let end = BootInstant.now.advanced(by: limit)
        while true {
            let left = BootInstant.now.duration(to: end).nanoseconds
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, unsafe poll(&poller, 1, CInt(clamping: max(1, left / 1_000_000))) > 0 else { return }
            var bytes = [UInt8](repeating: 0, count: 256)
            let count = unsafe read(descriptor, &bytes, bytes.count)
            guard count > 0 else { return }
            tail += bytes[..<count]
            if tail.indices.contains(where: { tail[$0...].starts(with: last) }) { return }
            tail.removeFirst(max(0, tail.count - last.count))
        }
    }

    /// Writes to a terminal that takes it within `limit`: one that is stopped must not hold up whoever leaves it.
    package static func write(_ bytes: [UInt8], to descriptor: CInt, within limit: Duration) {
        var rest = bytes[...]
        while !rest.isEmpty {
            var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let patience = CInt(clamping: limit.nanoseconds / 1_000_000)
            guard unsafe poll(&poller, 1, patience) > 0 else { return }
            let count = unsafe rest.prefix(256).withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    package static func isTerminal(_ descriptor: CInt) -> Bool { isatty(descriptor) == 1 }

    /// Gives `target` the window size of `source`.
    package static func copyWindowSize(from source: CInt, to target: CInt) {
        if let size = windowSize(of: source) { setWindowSize(size, of: target) }
    }

    /// The size of a terminal's window; `nil` when it is no terminal.
    package static func windowSize(of descriptor: CInt) -> WindowSize? {
        var size = winsize()
        guard unsafe linux_ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        return WindowSize(rows: size.ws_row, columns: size.ws_col)
    }

    /// Sets it; the programs on the terminal hear of a change (SIGWINCH).
    package static func setWindowSize(_ size: WindowSize, of descriptor: CInt) {
        var raw = winsize(ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = unsafe linux_ioctl(descriptor, UInt(TIOCSWINSZ), &raw)
    }
}

/// How many characters a terminal's window holds.
package struct WindowSize: Hashable, Sendable {
    package let rows: UInt16
    package let columns: UInt16

    package init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}
