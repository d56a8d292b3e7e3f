// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
package import RemitKernel

/// What holds the secrets for which agents get placeholders; the egress gate through the supervisor.
package protocol PlaceholderDesk: AnyObject {
    /// Reads the secret of the lease with this handle from where the operator keeps it; nothing is swapped yet.
    ///
    /// The completion runs once, with what the agent holds instead.
    func take(handle: String, instance: String, completion: @escaping (Result<Secret, LeaseFailure>) -> Void)

    /// Reads it again, where it may be another one by now; the placeholder stays the same.
    func refresh(handle: String, instance: String, completion: @escaping (Result<Void, LeaseFailure>) -> Void)

    /// Lets the gate forget it; the completion says whether the gate confirmed that.
    func withdraw(handle: String, completion: @escaping (Result<Void, LeaseFailure>) -> Void)

    /// Whether somebody would still swap its placeholder.
    func probe(handle: String) -> ProbeFinding

    /// The handles of what is held.
    func handles() -> [String]
}

/// Secrets of the operator's that are added to requests outside of the sandbox: the agent gets a placeholder.
///
/// Its leases end with the gate's: the secret itself stays what it was wherever it is accepted, and the receipt says so.
package final class PlaceholderProvider: Provider {
    /// What a lease's facts say of how it is held, and of what its end is.
    package static let facts = ["held": "placeholder", "end": "withdrawn"]

    package let instance: String
    package let timeLimit: Duration
    package let maximumTTL: Duration?
    private let desk: any PlaceholderDesk

    package init(instance: String, timeLimit: Duration, maximumTTL: Duration?, desk: any PlaceholderDesk) {
        self.instance = instance
        self.timeLimit = timeLimit
        self.maximumTTL = maximumTTL
        self.desk = desk
    }

    package func begin(_ request: ProviderRequest, completion: @escaping (ProviderReply) -> Void) {
        let limit = request.notAfter.flatMap(WallInstant.init(rfc3339:))
        switch request.operation {
        case .issue:
            guard let limit else { return completion(Self.lacksLimit) }
            desk.take(handle: request.handle, instance: instance) { result in
                switch result {
                case .success(let placeholder):
                    completion(.issued(IssuedCredential(content: placeholder, expires: limit, facts: Self.facts)))
                case .failure(let failure): completion(.failed(failure))
                }
            }
        case .renew:
            guard let limit else { return completion(Self.lacksLimit) }
            desk.refresh(handle: request.handle, instance: instance) { result in
                switch result {
                case .success: completion(.renewed(expires: limit, content: nil))
                case .failure(let failure): completion(.failed(failure))
                }
            }
        case .revoke:
            desk.withdraw(handle: request.handle) { result in
                switch result {
                case .success: completion(.acknowledged)
                case .failure(let failure): completion(.failed(failure))
                }
            }
        case .probe: completion(.probed(desk.probe(handle: request.handle)))
        case .list: completion(.listed(handles: desk.handles().filter { $0.hasPrefix(request.handle) }.sorted()))
        }
    }

    private static let lacksLimit = ProviderReply.failed(
        LeaseFailure(.permanent, "the request lacks `notAfter`", isDefinite: true))
}

extension Lease {
    /// The agent holds a placeholder only, and the end of the lease is that nobody swaps it any more.
    package var isPlaceholder: Bool {
        guard let facts, case .map(let members)? = try? ProviderValue.parse(Array(facts.utf8)) else { return false }
        return members["held"] == .string("placeholder")
    }
}
