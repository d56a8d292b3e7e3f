// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Bytes that stay out of core dumps, swap and forked processes, and that are wiped when the last owner lets go.
///
/// Each secret has pages of its own: locked, `MADV_DONTDUMP` and `MADV_WIPEONFORK` (madvise(2)).
@safe
package final class Secret: Sendable, CustomStringConvertible {
    // SAFETY: written only by the initialisers, read-only afterwards, unmapped only in deinit.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer
    private let mapped: Int

    /// The number of bytes.
    package let count: Int

    package convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count)
        unsafe bytes.withUnsafeBytes { unsafe fill(from: $0) }
    }

    /// Copies bytes without a stop in memory that is neither wiped nor kept out of forked processes.
    package convenience init(copying source: UnsafeRawBufferPointer) {
        self.init(count: source.count)
        unsafe fill(from: source)
    }

    private init(count: Int) {
        let page = 4096
        self.count = count
        mapped = max(page, (count + page - 1) / page * page)
        let memory = unsafe mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, Int(bitPattern: memory) != -1 else {
            preconditionFailure("out of memory for a secret of \(count) bytes")
        }
        unsafe base = memory
        // An ordinary user may be over RLIMIT_MEMLOCK: then swap is the host's concern, the rest still holds.
        _ = unsafe mlock(memory, mapped)
        _ = unsafe madvise(memory, mapped, MADV_DONTDUMP)
        _ = unsafe madvise(memory, mapped, MADV_WIPEONFORK)
    }

    private func fill(from source: UnsafeRawBufferPointer) {
        if let start = source.baseAddress { unsafe base.copyMemory(from: start, byteCount: source.count) }
    }

    deinit {
        unsafe explicit_bzero(base, mapped)
        unsafe munmap(base, mapped)
    }

    /// Hands out a copy; keep it as short as the call that needs it.
    package func withBytes<Result>(_ body: ([UInt8]) throws -> Result) rethrows -> Result {
        try body(unsafe [UInt8](UnsafeRawBufferPointer(start: base, count: count)))
    }

    /// Whether the secret stands in `bytes` at `index`, compared in place; at least ``count`` bytes must be there.
    package func isPrefix(of bytes: [UInt8], at index: Int) -> Bool {
        let own = unsafe UnsafeRawBufferPointer(start: base, count: count)
        for offset in 0..<count {
            guard unsafe own[offset] == bytes[index + offset] else { return false }
        }
        return true
    }

    package var description: String { "(secret)" }
}
