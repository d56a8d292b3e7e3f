// SPDX-License-Identifier: Apache-2.0
// One thread that waits for everything a session can hear: descriptors through epoll(7), moments through a
// timerfd on CLOCK_BOOTTIME. It decides nothing.

internal import CLinux
internal import Glibc

/// An epoll(7) loop with timers; used and run by one thread.
package final class EventLoop {
    /// What to wait for on a descriptor.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let read = Interest(rawValue: EPOLLIN.rawValue)
        package static let write = Interest(rawValue: EPOLLOUT.rawValue)
        /// A change of a cgroup event file.
        package static let priority = Interest(rawValue: EPOLLPRI.rawValue)
    }

    /// What a descriptor is ready for; an error or a hang-up counts as readable and writable.
    package struct Readiness: Sendable {
        package let readable: Bool
        package let writable: Bool
        package let hungUp: Bool
    }

    package struct WatchToken: Hashable, Sendable {
        fileprivate let descriptor: CInt
        fileprivate let serial: UInt64
    }

    package struct TimerToken: Hashable, Sendable {
        fileprivate let serial: UInt64
    }

    private struct Timer {
        let serial: UInt64
        let due: BootInstant
        let handler: () -> Void
    }

    private let poll: OwnedDescriptor
    private let clock: OwnedDescriptor
    private var watches: [UInt64: (Readiness) -> Void] = [:]
    private var timers: [Timer] = []
    private var deferred: [() -> Void] = []
    private var lastSerial: UInt64 = 0
    private var armed: BootInstant?
    private var preferred: WatchToken?

    /// - Throws: ``SystemCallError`` when the process has no descriptors left.
    package init() throws(SystemCallError) {
        poll = OwnedDescriptor(adopting: try check("create an event loop") { epoll_create1(CInt(EPOLL_CLOEXEC)) })
        clock = OwnedDescriptor(
            adopting: try check("create a timer") {
                timerfd_create(CLOCK_BOOTTIME, CInt(TFD_CLOEXEC | TFD_NONBLOCK))
            }
        )
        try control(EPOLL_CTL_ADD, clock.number, .read, serial: 0)
    }

    /// Calls `handler` whenever `descriptor` is ready, until the token is given to ``unwatch(_:)``.
    ///
    /// - Throws: ``SystemCallError`` when the descriptor cannot be waited for (an ordinary file) or is watched already.
    package func watch(
        _ descriptor: CInt,
        for interest: Interest,
        _ handler: @escaping (Readiness) -> Void
    ) throws(SystemCallError) -> WatchToken {
        lastSerial += 1
        try control(EPOLL_CTL_ADD, descriptor, interest, serial: lastSerial)
        watches[lastSerial] = handler
        return WatchToken(descriptor: descriptor, serial: lastSerial)
    }

    /// Waits for something else on a descriptor that is watched.
    package func change(_ token: WatchToken, to interest: Interest) throws(SystemCallError) {
        guard watches[token.serial] != nil else { return }
        try control(EPOLL_CTL_MOD, token.descriptor, interest, serial: token.serial)
    }

    /// Stops watching. Must come before the descriptor is closed; harmless when repeated.
    package func unwatch(_ token: WatchToken) {
        guard watches.removeValue(forKey: token.serial) != nil else { return }
        try? control(EPOLL_CTL_DEL, token.descriptor, [], serial: 0)
    }

    /// Hears what can be read of a watched descriptor before anything else, also between two of the descriptors that were
    /// found ready together: for an order that must not wait until all of them had their turn.
    package func prefer(_ token: WatchToken) { preferred = token }

    /// Calls `handler` once at `moment`, or soon after.
    @discardableResult
    package func schedule(at moment: BootInstant, _ handler: @escaping () -> Void) -> TimerToken {
        lastSerial += 1
        let timer = Timer(serial: lastSerial, due: moment, handler: handler)
        let index = timers.firstIndex { $0.due > moment } ?? timers.endIndex
        timers.insert(timer, at: index)
        return TimerToken(serial: lastSerial)
    }

    /// Calls `handler` once, `delay` from now.
    @discardableResult
    package func schedule(after delay: Duration, _ handler: @escaping () -> Void) -> TimerToken {
        schedule(at: BootInstant.now.advanced(by: delay), handler)
    }

    /// Calls `handler` in the next turn: for completions that must not run inside their caller.
    package func enqueue(_ handler: @escaping () -> Void) { deferred.append(handler) }

    package func cancel(_ timer: TimerToken) { timers.removeAll { $0.serial == timer.serial } }

    /// Waits and calls handlers until `finished` says so.
    ///
    /// - Throws: ``SystemCallError`` only when epoll itself fails.
    package func run(until finished: () -> Bool) throws(SystemCallError) {
        while !finished() { try turn() }
    }

    private func turn() throws(SystemCallError) {
        let ready = deferred
        deferred.removeAll()
        for handler in ready { handler() }
        try arm()
        var events = [linux_event](repeating: linux_event(), count: 64)
        let descriptor = poll.number
        // Work that defers itself again must not keep everybody else from being heard.
        let limit: CInt = ready.isEmpty && deferred.isEmpty ? -1 : 0
        let count = try check("wait for events") { unsafe linux_epoll_wait(descriptor, &events, limit) }
        for event in events.prefix(Int(count)) {
            if count > 1 { hearPreferred() }
            let serial = event.serial
            if serial == 0 {
                expire()
            } else if let handler = watches[serial] {
                let bits = event.ready
                let broken = bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
                handler(
                    Readiness(
                        readable: broken || bits & (EPOLLIN.rawValue | EPOLLPRI.rawValue) != 0,
                        writable: broken || bits & EPOLLOUT.rawValue != 0,
                        hungUp: broken
                    )
                )
            }
        }
    }

    private func hearPreferred() {
        guard let preferred, let handler = watches[preferred.serial] else { return }
        var look = pollfd(fd: preferred.descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe Glibc.poll(&look, 1, 0) > 0 else { return }
        let broken = look.revents & Int16(POLLERR | POLLHUP) != 0
        handler(Readiness(readable: true, writable: broken, hungUp: broken))
    }

    private func expire() {
        var expirations: UInt64 = 0
        _ = unsafe read(clock.number, &expirations, MemoryLayout<UInt64>.size)
        armed = nil
        while let first = timers.first, first.due <= BootInstant.now {
            timers.removeFirst()
            first.handler()
        }
    }

    private func arm() throws(SystemCallError) {
        guard timers.first?.due != armed else { return }
        armed = timers.first?.due
        // Zero would disarm the timer, so a moment in the past becomes the first nanosecond of this boot.
        let due = armed.map { max($0.nanoseconds, 1) } ?? 0
        var specification = itimerspec()
        specification.it_value = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
        let descriptor = clock.number
        try check("set a timer") {
            unsafe timerfd_settime(descriptor, CInt(TFD_TIMER_ABSTIME), &specification, nil)
        }
    }

    private func control(
        _ operation: CInt,
        _ descriptor: CInt,
        _ interest: Interest,
        serial: UInt64
    ) throws(SystemCallError) {
        let poll = self.poll.number
        try check("watch a descriptor") {
            linux_epoll_control(poll, operation, descriptor, interest.rawValue, serial)
        }
    }
}
