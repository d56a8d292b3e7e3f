// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import Synchronization

/// The sockets that an inspector has open, for whoever has to break them off without waiting for its thread.
///
/// Each is held by a duplicate that nobody else knows and that is closed here only, under the lock: the number that the
/// inspector's thread uses may be another file's as soon as it closed it, but what is cut through a duplicate is the socket
/// that was added. A socket ends when both are closed, so whoever closes the one removes the other.
final class OpenSockets: Sendable {
    /// One socket that was added.
    struct Member: Hashable, Sendable {
        fileprivate let serial: UInt64
        /// Whether it leads to a host, and not to the agent.
        fileprivate let isHosts: Bool
    }

    private struct State {
        var duplicates: [Member: CInt] = [:]
        var lastSerial: UInt64 = 0
        var isCut = false
    }

    private let state = Mutex(State())

    deinit {
        state.withLock { state in
            for duplicate in state.duplicates.values { Self.close(duplicate) }
        }
    }

    /// Takes a socket in, before it is served; nil when it must not be: after ``severHosts(then:)`` or ``cutAll()``, or when
    /// the process has no descriptors left.
    ///
    /// - Parameter isHosts: whether it leads to a host.
    func add(_ number: CInt, isHosts: Bool) -> Member? {
        state.withLock { state in
            guard !state.isCut, let duplicate = try? OwnedDescriptor(duplicating: number).release() else { return nil }
            state.lastSerial += 1
            let member = Member(serial: state.lastSerial, isHosts: isHosts)
            state.duplicates[member] = duplicate
            return member
        }
    }

    /// Lets a socket go that is closed, or is going to be, in good order. May be called again.
    func remove(_ member: Member) {
        state.withLock { state in
            if let duplicate = state.duplicates.removeValue(forKey: member) { Self.close(duplicate) }
        }
    }

    /// Breaks a connection off, and lets it go: what waits to be sent is dropped, and the peer is told by a reset.
    func cut(_ member: Member) {
        state.withLock { state in
            if let duplicate = state.duplicates.removeValue(forKey: member) { Self.cut(duplicate) }
        }
    }

    /// Lets nothing leave to a host any more, for good, whatever another thread is about to write. A host may see its stream
    /// end, which ends no request in good order (RFC 9112 §8). Nothing is closed yet.
    ///
    /// - Parameter tell: called when no byte leaves any more, and before whoever is woken by it can close a socket: that takes
    ///   milliseconds, and a processor.
    func severHosts(then tell: () -> Void) {
        state.withLock { state in
            state.isCut = true
            for (member, duplicate) in state.duplicates where member.isHosts { Sockets.silence(duplicate) }
            tell()
        }
    }

    /// Breaks off every connection, for good. When this returns no byte of any leaves or arrives any more.
    func cutAll() {
        state.withLock { state in
            state.isCut = true
            for duplicate in state.duplicates.values { Self.cut(duplicate) }
            state.duplicates = [:]
        }
    }

    private static func cut(_ duplicate: CInt) {
        Sockets.abort(duplicate)
        close(duplicate)
    }

    private static func close(_ duplicate: CInt) { _ = OwnedDescriptor(adopting: duplicate) }
}
