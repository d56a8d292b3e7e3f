// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel
internal import RemitLeases
internal import RemitNetwork
internal import RemitTask

/// The secrets of one session: read by the supervisor, swapped by its gate, and known to the agent as placeholders.
final class SecretDesk: PlaceholderDesk {
    private struct Entry {
        var parts: [SecretPart]
        /// The credential's name, once it was handed to the gate.
        var lease: String?
        var isWithdrawn = false
    }

    private let providers: [String: ProviderInstance]
    private let variables: [String: Secret]
    private let bindings: [SecretBinding]
    private let loop: EventLoop
    /// Every value and every placeholder, as soon as it is known.
    private let hide: (Secret) -> Void
    private weak var gate: Gate?
    private var entries: [String: Entry] = [:]
    private var waiting: [String: [(Result<Void, LeaseFailure>) -> Void]] = [:]

    /// - Parameter variables: what was taken out of the environment, by name.
    init(
        providers: [String: ProviderInstance], variables: [String: Secret], bindings: [SecretBinding], gate: Gate,
        on loop: EventLoop, hide: @escaping (Secret) -> Void
    ) {
        self.providers = providers
        self.variables = variables
        self.bindings = bindings
        self.gate = gate
        self.loop = loop
        self.hide = hide
    }

    // MARK: as the provider asks

    func take(handle: String, instance: String, completion: @escaping (Result<Secret, LeaseFailure>) -> Void) {
        read(instance) { [self] result in
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let value):
                let shape = providers[instance]?.secret?.placeholder
                let parts = value.parts.map { name, secret in
                    SecretPart(
                        name: name, placeholder: secret.withBytes { Placeholder.make(for: $0, shape: shape) },
                        value: secret)
                }
                entries[handle] = Entry(parts: parts)
                for part in parts {
                    hide(part.value)
                    hide(Secret(Array(part.placeholder.utf8)))
                }
                completion(.success(Secret(Array(parts.map(\.placeholder).joined(separator: "\n").utf8))))
            }
        }
    }

    func refresh(handle: String, instance: String, completion: @escaping (Result<Void, LeaseFailure>) -> Void) {
        // What a program hands out may last a shorter time than the session; anything else is what it was.
        guard case .command? = providers[instance]?.secret?.source else { return completion(.success(())) }
        read(instance) { [self] result in
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let value):
                guard var entry = entries[handle], !entry.isWithdrawn else { return completion(.success(())) }
                entry.parts = value.parts.compactMap { name, secret in
                    entry.parts.first { $0.name == name }.map {
                        SecretPart(name: name, placeholder: $0.placeholder, value: secret)
                    }
                }
                entries[handle] = entry
                for part in entry.parts { hide(part.value) }
                if let lease = entry.lease { bind(handle: handle, lease: lease) }
                completion(.success(()))
            }
        }
    }

    func withdraw(handle: String, completion: @escaping (Result<Void, LeaseFailure>) -> Void) {
        guard let entry = entries[handle], let lease = entry.lease, let gate, !gate.hasEnded else {
            entries[handle]?.isWithdrawn = true
            return completion(.success(()))
        }
        waiting[lease, default: []].append(completion)
        // A gate that is closed answers nothing any more, and its end is the answer.
        if !gate.isFenced { gate.send(.fence(lease: lease)) }
    }

    func probe(handle: String) -> ProbeFinding {
        guard let entry = entries[handle], entry.lease != nil, let gate, !gate.hasEnded else { return .gone }
        return entry.isWithdrawn ? .gone : .present
    }

    func handles() -> [String] { entries.keys.filter { probe(handle: $0) == .present } }

    private func read(_ instance: String, completion: @escaping (Result<SecretValue, LeaseFailure>) -> Void) {
        guard let provider = providers[instance], let secret = provider.secret else {
            return completion(
                .failure(LeaseFailure(.permanent, "provider `\(instance)` is not configured", isDefinite: true)))
        }
        SecretValue.read(
            secret, variables: variables, timeLimit: provider.timeLimit.duration, on: loop, completion: completion)
    }

    // MARK: as the supervisor delivers

    /// Hands the secret to the gate: from here on its placeholder is worth something.
    func bind(handle: String, lease: String) {
        guard var entry = entries[handle] else { return }
        entry.lease = lease
        entry.isWithdrawn = false
        entries[handle] = entry
        gate?.send(
            .bind(SecretGrant(lease: lease, bindings: bindings.filter { $0.lease == lease }, parts: entry.parts)))
    }

    /// Lets the gate forget it for now.
    func suspend(lease: String) {
        guard let gate, !gate.hasEnded, !gate.isFenced else { return }
        gate.send(.fence(lease: lease))
    }

    /// What the agent holds, by part.
    func placeholders(handle: String) -> [SecretPart.Name: String] {
        Dictionary((entries[handle]?.parts ?? []).map { ($0.name, $0.placeholder) }) { first, _ in first }
    }

    // MARK: as the gate answers

    /// The gate confirmed that it swaps a lease's secret no more.
    func fenced(lease: String) {
        for handle in entries.keys where entries[handle]?.lease == lease { entries[handle]?.isWithdrawn = true }
        for completion in waiting.removeValue(forKey: lease) ?? [] { completion(.success(())) }
    }

    /// The gate is gone, and with it whoever could swap anything.
    func gateEnded() {
        for handle in entries.keys { entries[handle]?.isWithdrawn = true }
        let completions = waiting.values.flatMap(\.self)
        waiting = [:]
        for completion in completions { completion(.success(())) }
    }
}

/// Secrets of a session whose supervisor is gone: nobody swaps a placeholder once its gate is dead.
final class ClosedSecretDesk: PlaceholderDesk {
    private let gate: ProcessIdentity?

    /// - Parameter gate: the process that held them; nothing when there was none.
    init(gate: ProcessIdentity?) { self.gate = gate }

    private static let closed = LeaseFailure(.permanent, "the session's gate is gone", isDefinite: true)

    func take(handle: String, instance: String, completion: @escaping (Result<Secret, LeaseFailure>) -> Void) {
        completion(.failure(Self.closed))
    }

    func refresh(handle: String, instance: String, completion: @escaping (Result<Void, LeaseFailure>) -> Void) {
        completion(.failure(Self.closed))
    }

    func withdraw(handle: String, completion: @escaping (Result<Void, LeaseFailure>) -> Void) {
        // It ends with its supervisor by itself; whatever kept it is overruled.
        if let gate, gate.isAlive { _ = gate.kill(waiting: .seconds(2)) }
        completion(.success(()))
    }

    func probe(handle: String) -> ProbeFinding { gate?.isAlive == true ? .present : .gone }

    func handles() -> [String] { [] }
}
