// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitNetwork

extension ClientConnection {
    /// Decides whether what the client says first passes, where anything may be spoken.
    func judge(_ opening: GuardedOpening, _ grant: ConnectionGrant) -> SplicedStreams.Judgement {
        var refusal: ConnectionRefusal?
        switch opening {
        case .incomplete(let needed):
            if timer == nil {
                restartTimer(Self.patience) { [weak self] in
                    self?.cut(
                        ConnectionRefusal(
                            "silent", "the client began like TLS and did not go on", rule: grant.rule.label))
                }
            }
            return .wait(needed)
        case .other: break
        case .upgrade(let length):
            stopTimer()
            return .passOnly(length)
        case .tls(let hello): refusal = hello.objection(to: grant.destination, under: grant.rule)
        case .broken(let flaw): refusal = ConnectionRefusal("protocol", flaw.rawValue, rule: grant.rule.label)
        }
        stopTimer()
        cutRefusal = refusal
        return refusal == nil ? .pass : .refuse
    }

    private func cut(_ refusal: ConnectionRefusal) {
        cutRefusal = refusal
        cut(refusal.reason)
    }
}
