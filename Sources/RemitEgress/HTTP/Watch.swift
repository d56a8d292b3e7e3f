// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// A deadline that moves often and is seldom met: moving it costs a store, not a timer.
final class Watch {
    private let loop: any EventLoop
    private var deadline: NIODeadline?
    private var scheduled: (task: Scheduled<Void>, at: NIODeadline)?
    private var isOnce = false
    private var expire: (() -> Void)?

    init(_ loop: any EventLoop, expire: @escaping () -> Void) {
        self.loop = loop
        self.expire = expire
    }

    /// Expires so many milliseconds from now, unless moved before.
    func arm(_ milliseconds: Int) {
        guard expire != nil else { return }
        isOnce = false
        let deadline = loop.now + .milliseconds(Int64(milliseconds))
        self.deadline = deadline
        if let scheduled {
            guard deadline < scheduled.at else { return }
            scheduled.task.cancel()
        }
        schedule(deadline)
    }

    /// Expires so many milliseconds from now, or at the moment that was set since the last time it was armed for another
    /// reason: what comes in small pieces does not move it.
    func armOnce(_ milliseconds: Int) {
        guard !isOnce else { return }
        arm(milliseconds)
        isOnce = true
    }

    /// Does not expire until armed again.
    func disarm() { deadline = nil }

    /// Does not expire any more.
    func end() {
        deadline = nil
        expire = nil
        scheduled?.task.cancel()
        scheduled = nil
    }

    private func schedule(_ at: NIODeadline) {
        let task = loop.assumeIsolated().scheduleTask(deadline: at) { [weak self] in
            if let self { check() }
        }
        scheduled = (task, at)
    }

    private func check() {
        scheduled = nil
        guard let deadline else { return }
        if deadline <= loop.now {
            self.deadline = nil
            expire?()
        } else {
            schedule(deadline)
        }
    }
}
