// SPDX-License-Identifier: Apache-2.0
// Which layer decided? What a session recorded of itself says it, and for layers that keep no record, the errno that an
// act was refused with: in a session each of these has one cause, or few.

/// What is known of a test's session afterwards.
package struct ProfileEvidence: Hashable, Sendable {
    /// The exit status of `remit run`.
    package var status: Int
    /// Standard output.
    package var output: String
    /// Standard error, Remit's own lines included.
    package var diagnostics: String
    /// A session started: it has a receipt.
    package var started: Bool
    /// Refused system calls that were counted, by name.
    package var denials: [String: Int]
    /// Limits that were reached: `memory`, `processes`.
    package var limitsReached: [String]
    /// Hosts that the gate refused.
    package var hostsRefused: [String]
    /// Layers that were enforced.
    package var enforced: Set<Layer>
    /// Layers that were not, and why.
    package var missing: [Layer: String]
    /// Variables that the test gave the caller, and the profile does not pass on.
    package var withheld: [String]
    /// What the filter, run on the test's `call`, answers, where that is not to allow it: an errno's name.
    package var filterAnswer: String?

    /// Makes evidence of a session that ended with a status, and of nothing else.
    package init(
        status: Int, output: String = "", diagnostics: String = "", started: Bool = true,
        denials: [String: Int] = [:], limitsReached: [String] = [], hostsRefused: [String] = [],
        enforced: Set<Layer> = [], missing: [Layer: String] = [:], withheld: [String] = [],
        filterAnswer: String? = nil
    ) {
        self.status = status
        self.output = output
        self.diagnostics = diagnostics
        self.started = started
        self.denials = denials
        self.limitsReached = limitsReached
        self.hostsRefused = hostsRefused
        self.enforced = enforced
        self.missing = missing
        self.withheld = withheld
        self.filterAnswer = filterAnswer
    }

    /// A layer, and what speaks for it.
    package struct Ground: Hashable, Sendable {
        /// The layer.
        package let layer: DecidingLayer
        /// What speaks for it: a record of the session's, or an error's text.
        package let evidence: String
    }

    /// Every layer that may have decided, those with a record of the session's first.
    ///
    /// - Parameters:
    ///   - saying: the text that the test is about; the whole output otherwise.
    ///   - call: the system call that the test is about.
    package func grounds(saying: String?, call: String?) -> [Ground] {
        guard started else {
            return status == 126 ? [Ground(layer: .admission, evidence: "nothing was started")] : []
        }
        var grounds: [Ground] = []
        for name in limitsReached {
            guard let layer = DecidingLayer(rawValue: "limits.\(name)") else { continue }
            grounds.append(Ground(layer: layer, evidence: "the limit was reached"))
        }
        if call == nil, !denials.isEmpty {
            let names = denials.keys.sorted().prefix(4).joined(separator: ", ")
            grounds.append(Ground(layer: .seccomp, evidence: "counted: \(names)"))
        }
        if let call, denials[call] != nil {
            grounds.append(Ground(layer: .seccomp, evidence: "counted: \(call)"))
        } else if let call, let filterAnswer {
            grounds.append(Ground(layer: .seccomp, evidence: "the filter answers \(filterAnswer) to \(call)"))
        }
        if let host = hostsRefused.first { grounds.append(Ground(layer: .egress, evidence: "refused: \(host)")) }
        if status == 128 + 25 { grounds.append(Ground(layer: .fileSizeLimit, evidence: "SIGXFSZ")) }
        var text = output + diagnostics
        if let saying {
            // The rest of the line tells what a few words of it leave open.
            text = text.split(separator: "\n").filter { $0.contains(saying) }.joined(separator: "\n")
        }
        for (words, layers) in Self.errors where text.contains(words) {
            for layer in layers where isPossible(layer) { grounds.append(Ground(layer: layer, evidence: words)) }
        }
        if let variable = withheld.first {
            grounds.append(Ground(layer: .environment, evidence: "\(variable) is not passed on"))
        }
        return grounds
    }

    /// A layer that was not there decides nothing.
    private func isPossible(_ layer: DecidingLayer) -> Bool { layer != .landlock || enforced.contains(.landlock) }

    /// Texts of errors, as strerror(3) and programs spell them, and the layers they come from in a session.
    private static let errors: [(String, [DecidingLayer])] = [
        ("Read-only file system", [.mounts]),
        ("No such file or directory", [.mounts]),
        ("not found", [.mounts]),
        ("No space left on device", [.volumes]),
        ("Too many open files", [.openFileLimit]),
        ("File too large", [.fileSizeLimit]),
        ("File size limit exceeded", [.fileSizeLimit]),
        ("Resource temporarily unavailable", [.processLimit]),
        ("Cannot fork", [.processLimit]),
        ("can't start new thread", [.processLimit]),
        ("Cannot allocate memory", [.memoryLimit]),
        ("MemoryError", [.memoryLimit]),
        ("Network is unreachable", [.namespaces]),
        ("Name or service not known", [.namespaces]),
        ("Temporary failure in name resolution", [.namespaces]),
        ("No such process", [.namespaces]),
        ("Function not implemented", [.seccomp]),
        ("Operation not permitted", [.capabilities]),
        // A mount without programs says the same as a rule of Landlock, and so does the mode of a file.
        ("Permission denied", [.landlock, .permissions, .mounts]),
    ]
}

/// What became of a test.
package enum ProfileTestVerdict: Hashable, Sendable {
    /// As it must; what decided, and what speaks for it, where something had to be refused.
    case passed(ProfileEvidence.Ground?)
    /// Not as it must, and how not.
    case failed(String)
    /// Nothing is known, for this host lacks something.
    case skipped(String)
}

extension ProfileTest {
    /// Judges what is known of this test's session.
    package func verdict(_ evidence: ProfileEvidence) -> ProfileTestVerdict {
        if evidence.started, let layer = enforced.first(where: { evidence.missing[$0] != nil }) {
            return .skipped("`\(layer.rawValue)` is not enforced here: \(evidence.missing[layer] ?? "")")
        }
        switch expectation {
        case .works(let exit, let prints):
            guard evidence.status == exit else {
                let wanted = exit == 0 ? "it must work" : "it must end with status \(exit)"
                return .failed("\(wanted), and ended with status \(evidence.status)\(evidence.reason)")
            }
            if let prints, !evidence.output.contains(prints) {
                return .failed("it must print `\(Excerpt.of(prints))`, and printed \(Self.quoted(evidence.output))")
            }
            return .passed(nil)
        case .refused(let refusal): return verdict(evidence, refusal)
        }
    }

    private func verdict(_ evidence: ProfileEvidence, _ refusal: Refusal) -> ProfileTestVerdict {
        let layer = refusal.by
        guard evidence.status != 0 else {
            return .failed("\(layer.rawValue) must refuse it, and it succeeded")
        }
        if evidence.status == 124 { return .failed("it must be refused, and ran into its deadline") }
        if !evidence.started, layer != .admission {
            return .failed("\(layer.rawValue) must refuse it, and nothing was started\(evidence.reason)")
        }
        if let exit = refusal.exit, evidence.status != exit {
            return .failed("it must fail with status \(exit), and failed with \(evidence.status)\(evidence.reason)")
        }
        let text = evidence.output + evidence.diagnostics
        if let saying = refusal.saying, !text.contains(saying) {
            return .failed("it must say `\(Excerpt.of(saying))`, and said \(Self.quoted(text))")
        }
        let grounds = evidence.grounds(saying: refusal.saying, call: refusal.call)
        if let ground = grounds.first(where: { $0.layer == layer }) { return .passed(ground) }
        let others = grounds.map { "\($0.layer.rawValue) (\($0.evidence))" }.joined(separator: ", ")
        return .failed(
            "\(layer.rawValue) must refuse it, and "
                + (others.isEmpty ? "nothing says which layer did\(evidence.reason)" : "what speaks is for \(others)"))
    }

    private static func quoted(_ text: String) -> String {
        text.allSatisfy(\.isWhitespace) ? "nothing" : "`\(Excerpt.of(String(text.suffix(160)), limit: 160))`"
    }
}

extension ProfileEvidence {
    /// The last words of standard error, or else of standard output, to follow a sentence.
    fileprivate var reason: String {
        let lines = (diagnostics.allSatisfy(\.isWhitespace) ? output : diagnostics).split(separator: "\n")
        guard let last = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) else { return "" }
        return ": \(Excerpt.of(String(last), limit: 200))"
    }
}
