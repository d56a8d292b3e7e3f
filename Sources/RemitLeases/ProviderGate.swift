// SPDX-License-Identifier: Apache-2.0
// One per provider instance: a slow or dead one must not delay the others.

internal import RemitKernel

/// Queues the calls of one provider instance.
final class ProviderGate {
    private struct Entry {
        let request: ProviderRequest
        let since: BootInstant
        let completion: (ProviderReply) -> Void
    }

    private let provider: any Provider
    private let loop: EventLoop
    private let limit: Int
    private let patience: Duration
    private var queue: [Entry] = []
    private var running = 0
    private var breaker = CircuitBreaker()
    private var bucket: TokenBucket
    private var timer: EventLoop.TimerToken?

    /// - Parameters:
    ///   - limit: how many calls run at a time.
    ///   - patience: how long a minting call may wait; recovery relies on it.
    init(_ provider: any Provider, limit: Int, patience: Duration, mints: Int, per interval: Duration, loop: EventLoop)
    {
        self.provider = provider
        self.loop = loop
        self.limit = limit
        self.patience = patience
        bucket = TokenBucket(capacity: mints, interval: interval, at: .now)
    }

    func submit(_ request: ProviderRequest, completion: @escaping (ProviderReply) -> Void) {
        queue.append(Entry(request: request, since: .now, completion: completion))
        pump()
    }

    /// Forgets what waits and what will be answered.
    func stop() {
        queue.removeAll()
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    private func pump() {
        var index = 0
        while index < queue.count, running < (breaker.isOnTrial ? 1 : limit) {
            let entry = queue[index]
            let isMinting = entry.request.operation == .issue || entry.request.operation == .renew
            if isMinting, entry.since.duration(to: .now) > patience {
                queue.remove(at: index)
                refuse(entry, "waited too long for its turn")
                continue
            }
            if let end = breaker.restsUntil(at: .now) {
                // A person waits for an issue, so it fails at once; an end is worth waiting for.
                guard isMinting else {
                    wake(at: end)
                    index += 1
                    continue
                }
                queue.remove(at: index)
                refuse(entry, "rests after repeated failures")
                continue
            }
            if entry.request.operation == .issue, let refill = bucket.take(at: .now) {
                wake(at: refill)
                index += 1
                continue
            }
            queue.remove(at: index)
            begin(entry)
        }
    }

    private func refuse(_ entry: Entry, _ why: String) {
        let failure = LeaseFailure(.transient, "provider `\(provider.instance)` \(why)", isDefinite: true)
        loop.enqueue { entry.completion(.failed(failure)) }
    }

    private func begin(_ entry: Entry) {
        running += 1
        provider.begin(entry.request) { [self] reply in
            running -= 1
            switch reply {
            case .timedOut: breaker.failed(at: .now)
            case .failed(let failure) where failure.kind == .transient: breaker.failed(at: .now)
            default: breaker.succeeded()
            }
            entry.completion(reply)
            pump()
        }
    }

    private func wake(at moment: BootInstant) {
        if let timer { loop.cancel(timer) }
        timer = loop.schedule(at: moment) { [weak self] in
            self?.timer = nil
            self?.pump()
        }
    }
}
