// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitNetwork

/// Connects to hosts, on the relay's thread: resolves, checks every address, and connects to what was checked and to
/// nothing else.
final class UpstreamConnector {
    private let loop: EventLoop
    private let book: AddressBook
    private let limit: Duration
    private let isOwn: (IPAddress) -> Bool
    private var pending: [UInt64: Pending] = [:]
    private var lastTicket: UInt64 = 0

    private struct Pending {
        /// Nothing while the name is being resolved.
        var attempt: ConnectionAttempt?
        let completion: ConnectionAttempt.Completion
    }

    /// What is allowed now.
    var policy: EgressPolicy

    /// - Parameters:
    ///   - limit: how long connecting may take, once the addresses are known.
    ///   - isOwn: whether an address is this host's own.
    init(
        loop: EventLoop, book: AddressBook, policy: EgressPolicy, limit: Duration,
        isOwn: @escaping (IPAddress) -> Bool = { Sockets.isOwnAddress($0.networkBytes) }
    ) {
        self.loop = loop
        self.book = book
        self.policy = policy
        self.limit = limit
        self.isOwn = isOwn
    }

    /// A connection that is being made.
    struct Ticket: Hashable { fileprivate let number: UInt64 }

    /// Connects; `completion` is called once unless ``cancel(_:)`` comes first, and never from within this call.
    func connect(
        to destination: Destination, port: UInt16, rule: EgressRule,
        completion: @escaping ConnectionAttempt.Completion
    ) -> Ticket {
        lastTicket += 1
        let ticket = Ticket(number: lastTicket)
        pending[ticket.number] = Pending(completion: completion)
        // In the next turn: a pinned name would be answered from within this call.
        loop.enqueue { [weak self] in
            self?.resolve(destination) { answer in
                self?.attempt(ticket, destination, answer, port: port, rule: rule)
            }
        }
        return ticket
    }

    /// Nobody wants it any more.
    func cancel(_ ticket: Ticket) { pending.removeValue(forKey: ticket.number)?.attempt?.cancel() }

    /// Breaks off everything that is being connected, and says so.
    func fence() {
        let broken = pending.values
        pending = [:]
        for item in broken { item.attempt?.cancel() }
        for item in broken { item.completion(.failure(.fenced)) }
    }

    private func resolve(_ destination: Destination, completion: @escaping (AddressBook.Answer) -> Void) {
        switch destination {
        case .address(let address): completion(.success([address]))
        case .name(let name): book.look(up: name, completion: completion)
        }
    }

    private func attempt(
        _ ticket: Ticket, _ destination: Destination, _ answer: AddressBook.Answer, port: UInt16, rule: EgressRule
    ) {
        guard pending[ticket.number] != nil else { return }
        switch answer.flatMap({ check($0, rule) }) {
        case .failure(let error): pending.removeValue(forKey: ticket.number)?.completion(.failure(error))
        case .success(let addresses):
            let attempt = ConnectionAttempt(AddressOrder.interleaved(addresses), port: port, on: loop)
            pending[ticket.number]?.attempt = attempt
            attempt.start(limit: limit) { [weak self] result in
                guard let self else { return }
                if case .failure = result, case .name(let name) = destination { book.forget(name) }
                pending.removeValue(forKey: ticket.number)?.completion(result)
            }
        }
    }

    /// The addresses that may be connected to; the first denial when there are none.
    private func check(_ addresses: [IPAddress], _ rule: EgressRule) -> Result<[IPAddress], UpstreamError> {
        var denial: EgressDenial?
        let allowed = addresses.filter { address in
            if case .denied(let found) = policy.address(address, for: rule) {
                denial = denial ?? found
                return false
            }
            // What listens on this host is as little meant for an agent at a global address as at the loopback's.
            guard !rule.opens(address), isOwn(address) || isOwn(address.canonical) else { return true }
            denial = denial ?? EgressDenial(.ownAddress, by: rule.label)
            return false
        }
        if allowed.isEmpty, let denial {
            return .failure(UpstreamError(denial.code, "\(denial)", isDenial: true))
        }
        return .success(allowed)
    }
}

extension UpstreamError {
    /// The network of the session is closed.
    static let fenced = UpstreamError("fenced", "the session's network is closed")
}
