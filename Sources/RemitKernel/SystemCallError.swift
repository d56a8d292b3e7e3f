// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// An error number of the kernel, see errno(3).
package struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
    package let code: CInt

    package init(code: CInt) { self.code = code }

    /// The calling thread's last error.
    package static var last: Errno { Errno(code: errno) }

    package static let interrupted = Errno(code: EINTR)
    package static let again = Errno(code: EAGAIN)
    package static let notFound = Errno(code: ENOENT)
    package static let exists = Errno(code: EEXIST)
    package static let denied = Errno(code: EACCES)
    package static let notPermitted = Errno(code: EPERM)
    package static let noSuchProcess = Errno(code: ESRCH)
    package static let brokenPipe = Errno(code: EPIPE)
    package static let busy = Errno(code: EBUSY)
    package static let unsupported = Errno(code: EOPNOTSUPP)
    package static let notImplemented = Errno(code: ENOSYS)
    package static let symbolicLinkLoop = Errno(code: ELOOP)
    package static let noDevice = Errno(code: ENODEV)
    package static let notDirectory = Errno(code: ENOTDIR)
    package static let addressFamily = Errno(code: EAFNOSUPPORT)
    package static let protocolNotSupported = Errno(code: EPROTONOSUPPORT)
    package static let socketType = Errno(code: ESOCKTNOSUPPORT)
    package static let invalidArgument = Errno(code: EINVAL)
    package static let readOnlyFileSystem = Errno(code: EROFS)
    package static let notTerminal = Errno(code: ENOTTY)

    /// strerror(3) in lower case.
    package var description: String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard let text = unsafe linux_error_text(code, &buffer, buffer.count) else { return "error \(code)" }
        return unsafe String(cString: text).lowercased()
    }
}

/// A system call that failed, and what it was asked to do.
package struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted and on what, for example "open `/etc/remit`".
    package let action: String
    package let errno: Errno

    package init(_ action: String, _ errno: Errno) {
        self.action = action
        self.errno = errno
    }

    package var description: String { "\(action): \(errno)" }
}

/// Runs a call that returns -1 and sets errno, again when a signal interrupted it.
///
/// - Throws: ``SystemCallError`` with `action` when the call failed.
@discardableResult
package func check<Result: SignedInteger>(
    _ action: @autoclosure () -> String,
    _ call: () -> Result
) throws(SystemCallError) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let failure = Errno.last
        if failure != .interrupted { throw SystemCallError(action(), failure) }
    }
}
