// SPDX-License-Identifier: Apache-2.0

/// The findings about one policy, each once, in the order in which they came up.
struct PolicyReport {
    private let id: CedarString
    private let source: SourceText?
    private var seen: Set<Typechecker.Issue> = []
    private(set) var findings: [Finding] = []

    /// A report without findings about the policy `id`, which was parsed from `source`.
    init(id: CedarString, source: SourceText?) {
        self.id = id
        self.source = source
    }

    /// Adds errors.
    mutating func add(_ issues: [Typechecker.Issue]) {
        for issue in issues { add(issue, .error) }
    }

    /// Adds a warning.
    mutating func warn(_ issue: Typechecker.Issue) {
        add(issue, .warning)
    }

    private mutating func add(_ issue: Typechecker.Issue, _ severity: Finding.Severity) {
        guard seen.insert(issue).inserted else { return }
        let message = "for policy `\(id)`, \(issue.message)"
        let diagnostic: Diagnostic
        if let source, issue.span != .none {
            diagnostic = Diagnostic(message, at: issue.span, in: source)
        } else {
            diagnostic = Diagnostic(message)
        }
        findings.append(Finding(severity, issue.rule, policy: id, diagnostic))
    }
}
