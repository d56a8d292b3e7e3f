// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
private import Synchronization

/// Messages that other threads send to a loop's thread, in order.
package final class LoopMailbox<Message: Sendable>: Sendable {
    private let counter: OwnedDescriptor
    private let waiting = Mutex<[Message]>([])

    /// - Throws: ``SystemCallError`` when the process has no descriptor left.
    package init() throws(SystemCallError) {
        counter = OwnedDescriptor(adopting: try check("make an event counter") { linux_event_counter() })
    }

    /// Calls `handler` on the loop's thread, once a message.
    package func deliver(
        on loop: EventLoop,
        to handler: @escaping (Message) -> Void
    ) throws(SystemCallError) -> EventLoop.WatchToken {
        try loop.watch(counter.number, for: .read) { [self] _ in
            var count: UInt64 = 0
            // Reset before the messages are taken: one that comes in between wakes the loop again.
            _ = unsafe read(counter.number, &count, MemoryLayout<UInt64>.size)
            let messages = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for message in messages { handler(message) }
        }
    }

    /// Leaves a message; from any thread.
    package func post(_ message: Message) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(message)
            return waiting.count == 1
        }
        guard isFirst else { return }
        var one: UInt64 = 1
        _ = unsafe write(counter.number, &one, MemoryLayout<UInt64>.size)
    }
}
