// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A file descriptor that is closed exactly once.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The descriptor's number, valid as long as this value lives.
    package let number: CInt

    /// Takes over a descriptor that nothing else will close.
    package init(adopting number: CInt) { self.number = number }

    deinit {
        // Another thread may already have been given the number, so EBADF is a bug worth stopping for.
        precondition(close(number) == 0 || Errno.last.code != EBADF, "descriptor \(number) was closed twice")
    }

    /// Gives the descriptor away: the caller closes it.
    package consuming func release() -> CInt {
        let number = self.number
        discard self
        return number
    }

    /// A second descriptor of the same open file, close-on-exec.
    ///
    /// - Throws: ``SystemCallError`` when the process has no descriptor left.
    package borrowing func duplicate() throws(SystemCallError) -> OwnedDescriptor {
        try OwnedDescriptor(duplicating: number)
    }

    /// A second descriptor, close-on-exec, of the open file that somebody else's number stands for now.
    ///
    /// - Throws: ``SystemCallError`` when the number stands for none, or the process has no descriptor left.
    package init(duplicating number: CInt) throws(SystemCallError) {
        self.init(adopting: try check("duplicate a descriptor") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }
}

/// An owned descriptor that reference-counted owners can hold and let go of early.
package final class DescriptorBox {
    private var descriptor: OwnedDescriptor?

    package init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = consume descriptor }

    /// The descriptor's number, or -1 once it is closed.
    package var number: CInt {
        switch descriptor {
        case .some(let open): open.number
        case .none: -1
        }
    }

    package var isOpen: Bool { number >= 0 }

    package func close() { descriptor = nil }

    /// A second descriptor of the same open file, close-on-exec; `nil` when this one is closed, or no other is to be had.
    package func duplicate() -> DescriptorBox? {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
        return copy < 0 ? nil : DescriptorBox(OwnedDescriptor(adopting: copy))
    }

    /// Gives the descriptor away, if it is still open: this owner has none from here on.
    package func surrender() -> CInt? {
        guard let given = descriptor.take() else { return nil }
        return given.release()
    }
}
