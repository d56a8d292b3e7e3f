// SPDX-License-Identifier: Apache-2.0
// How the session looks to whoever started it.

internal import RemitJournal
internal import RemitLeases

extension Supervisor {
    var exitCode: Int32 {
        if journalFailure != nil { return 125 }
        if machine.reason == .killed, let endingSignal { return 128 + endingSignal }
        return machine.exitCode
    }

    var message: String? {
        let name = "session \(session)"
        if let journalFailure { return "\(name): failed: \(journalFailure)" }
        if let launchFailure { return "\(name): failed: \(launchFailure)" }
        var parts: [String] = []
        switch machine.reason {
        case .completed, .failed:
            if machine.exit == .unknown { parts.append("failed: \(machine.explanation)") }
            if machine.outcomeMet == false { parts.append("outcome not met: \(outcomeProblem)") }
        case let reason?:
            parts.append("ended: \(reason.rawValue)" + (machine.explanation.isEmpty ? "" : " (\(machine.explanation))"))
        case nil: break
        }
        let open = keeper?.leases.filter { !$0.state.isTerminal } ?? []
        if !open.isEmpty {
            let names = open.map { "\($0.name) is \($0.state.rawValue)" }.joined(separator: ", ")
            parts.append("not every credential is verified gone: \(names); `remit reap` goes on")
        }
        return parts.isEmpty ? nil : "\(name): " + parts.joined(separator: "; ")
    }

    private var outcomeProblem: String {
        recorder?.history.outcome?.details.first ?? "unknown"
    }
}
