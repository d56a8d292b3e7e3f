// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A terminal of our own making, see pty(7): what is written to one end is read from the other.
struct PseudoTerminal: ~Copyable {
    /// Our end.
    let near: OwnedDescriptor
    /// The end that a program takes for its terminal.
    let far: OwnedDescriptor

    /// Makes a terminal of 24 rows and 80 columns.
    ///
    /// - Throws: ``SystemCallError`` when there is none left.
    init() throws(SystemCallError) {
        let near = OwnedDescriptor(adopting: try check("make a terminal") { linux_open_terminal() })
        let number = near.number
        var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
        try check("size a terminal") { unsafe linux_ioctl(number, UInt(TIOCSWINSZ), &size) }
        far = OwnedDescriptor(adopting: try check("open a terminal") { linux_terminal_peer(number) })
        self.near = near
    }
}
