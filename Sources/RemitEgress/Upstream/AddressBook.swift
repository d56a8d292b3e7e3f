// SPDX-License-Identifier: Apache-2.0

internal import NIOPosix
internal import RemitKernel
internal import RemitNetwork

/// The addresses of hosts, as the system resolves them. What a name resolved to is pinned: it is resolved again only when
/// none of its addresses could be reached any more.
final class AddressBook {
    typealias Answer = Result<[IPAddress], UpstreamError>

    /// Names asked for at the same time; each waiting one holds a thread while the resolver thinks.
    private static let threads = 8
    private static let waitingLimit = 256
    private static let patience: Duration = .seconds(10)

    private let loop: EventLoop
    private let hosts: [HostName: [IPAddress]]
    private let limit: Int
    private let resolve: @Sendable (HostName) -> Answer
    private let pool = NIOThreadPool(numberOfThreads: AddressBook.threads)
    private let mailbox: LoopMailbox<(HostName, Answer)>
    private var watch: EventLoop.WatchToken?
    private var pinned: [HostName: [IPAddress]] = [:]
    private var waiting: [HostName: [UInt64: (Answer) -> Void]] = [:]
    private var lastTicket: UInt64 = 0

    /// - Parameters:
    ///   - hosts: what the operator says instead of the resolver.
    ///   - limit: how many names are pinned at most.
    ///   - resolve: called on threads of their own.
    init(
        loop: EventLoop, hosts: [HostName: [IPAddress]], limit: Int,
        resolve: @escaping @Sendable (HostName) -> Answer = SystemResolver.addresses
    ) throws(SystemCallError) {
        self.loop = loop
        self.hosts = hosts
        self.limit = limit
        self.resolve = resolve
        mailbox = try LoopMailbox()
        watch = try mailbox.deliver(on: loop) { [weak self] in self?.resolved($0.0, $0.1) }
        pool.start()
    }

    deinit {
        if let watch { loop.unwatch(watch) }
        pool.shutdownGracefully { _ in }
    }

    /// Calls `completion` once, now or later.
    func look(up name: HostName, completion: @escaping (Answer) -> Void) {
        if let addresses = hosts[name] ?? pinned[name] { return completion(.success(addresses)) }
        guard waiting[name] != nil || waiting.count < Self.waitingLimit, pinned.count < limit else {
            return completion(.failure(UpstreamError("busy", "too many names are being resolved")))
        }
        let isFirst = waiting[name] == nil
        lastTicket += 1
        let ticket = lastTicket
        waiting[name, default: [:]][ticket] = completion
        loop.schedule(after: Self.patience) { [weak self] in
            let late = self?.waiting[name]?.removeValue(forKey: ticket)
            late?(.failure(UpstreamError("timeout", "the resolver did not answer in time")))
        }
        guard isFirst else { return }
        pool.submit { [resolve, mailbox] state in
            if case .active = state { mailbox.post((name, resolve(name))) }
        }
    }

    /// No address of this name could be reached: the next one who asks gets new ones.
    func forget(_ name: HostName) { pinned[name] = nil }

    private func resolved(_ name: HostName, _ answer: Answer) {
        if case .success(let addresses) = answer { pinned[name] = addresses }
        let asked = waiting.removeValue(forKey: name) ?? [:]
        for ticket in asked.keys.sorted() { asked[ticket]?(answer) }
    }
}
