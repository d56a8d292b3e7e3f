// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// A socket of the relay's, and what the loop waits for on it.
final class WatchedSocket {
    private let loop: EventLoop
    private let descriptor: DescriptorBox
    private var token: EventLoop.WatchToken?
    private var interest: EventLoop.Interest = []

    /// What to do when the socket is ready for what was waited for.
    var ready: (EventLoop.Readiness) -> Void = { _ in }

    private let isPreferred: Bool

    /// - Parameter isPreferred: what is read of it cannot wait until others had their turn.
    init(_ descriptor: DescriptorBox, on loop: EventLoop, isPreferred: Bool = false) {
        self.descriptor = descriptor
        self.loop = loop
        self.isPreferred = isPreferred
    }

    var number: CInt { descriptor.number }
    var isOpen: Bool { descriptor.isOpen }

    /// Waits for this and nothing else. For nothing at all the socket leaves the loop, which would go on reporting an error
    /// that nobody acts on.
    ///
    /// - Throws: ``SystemCallError`` when the kernel has no room for one more watch.
    func wait(for wanted: EventLoop.Interest) throws(SystemCallError) {
        guard wanted != interest, isOpen else { return }
        if wanted.isEmpty {
            unwatch()
        } else if let token {
            try loop.change(token, to: wanted)
        } else {
            token = try loop.watch(number, for: wanted) { [weak self] in self?.ready($0) }
            if isPreferred, let token { loop.prefer(token) }
        }
        interest = wanted
    }

    /// - Parameter resetting: whether the peer is to see that the stream was cut and did not end.
    func close(resetting: Bool = false) {
        guard isOpen else { return }
        unwatch()
        if resetting { Sockets.resetOnClose(number) }
        descriptor.close()
        ready = { _ in }
    }

    /// Gives the socket away; nothing is waited for any more.
    func surrender() -> CInt? {
        unwatch()
        ready = { _ in }
        return descriptor.surrender()
    }

    private func unwatch() {
        if let token { loop.unwatch(token) }
        token = nil
        interest = []
    }
}
