// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// Why a journal cannot be written.
package enum JournalError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed; the writer that hit it refuses everything afterwards.
    case system(SystemCallError)
    /// An earlier write failed, so nothing more can be recorded; `cause` is what failed then.
    case stopped(cause: String)
    /// The journal ended with its seal and takes no more records.
    case sealed(path: String)
    /// Another process has the journal open for writing.
    case inUse(path: String)
    /// The journal on disk does not check out and must not be continued.
    case corrupt(path: String, problem: JournalProblem)
    /// The file is not one to write secrets-adjacent evidence to: wrong owner, mode or kind.
    case unsafeFile(path: String, reason: String)
    /// The caller asked for a record that cannot be written.
    case invalid(String)
    /// The host key did not sign.
    case signing(String)

    package var description: String {
        switch self {
        case .system(let error): error.description
        case .stopped(let cause): "the journal takes no more records since an earlier failure: \(cause)"
        case .sealed(let path): "`\(path)` is sealed"
        case .inUse(let path): "`\(path)` is being written by another process"
        case .corrupt(let path, let problem): "`\(path)` is damaged: \(problem)"
        case .unsafeFile(let path, let reason): "refusing `\(path)`: \(reason)"
        case .invalid(let reason): reason
        case .signing(let reason): "cannot sign: \(reason)"
        }
    }
}
