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

    package static func isTerminal(_ descriptor: CInt) -> Bool { isatty(descriptor) == 1 }

    /// Gives `target` the window size of `source`.
    package static func copyWindowSize(from source: CInt, to target: CInt) {
        var size = winsize()
        if unsafe linux_ioctl(source, UInt(TIOCGWINSZ), &size) == 0 {
            _ = unsafe linux_ioctl(target, UInt(TIOCSWINSZ), &size)
        }
    }
}
