// SPDX-License-Identifier: Apache-2.0
// A receipt and a journal that are each good can still belong to different sessions, or tell different stories.

extension Receipt {
    /// Compares what a receipt says with the journal it speaks of; empty when they agree.
    ///
    /// Besides the journal's seal, session, head and length, every member of the first record's body and of the
    /// `session.sealed` record's body that has the name of a text or digest member of the receipt must be equal to it;
    /// what the session used must be what `session.resources` says, and what it did in its network what the `egress.*`
    /// records come to.
    package static func crossCheck(_ predicate: ReceiptPredicate, journal: JournalReader) -> [ReceiptProblem] {
        var problems: [ReceiptProblem] = []
        func expect(_ agrees: Bool, _ place: String, _ reason: @autoclosure () -> String) {
            if !agrees { problems.append(ReceiptProblem(place: "predicate.\(place)", reason: reason())) }
        }
        let verdict = journal.verdict
        expect(verdict.state == .sealed, "journal", "the journal is \(verdict)")
        expect(
            verdict.session == predicate.session, "session",
            "the journal is of session `\(verdict.session ?? "none")`"
        )
        expect(verdict.head == predicate.journal.hash, "journal.head", "the journal ends with another record")
        expect(
            verdict.count == predicate.journal.count, "journal.count", "the journal holds \(verdict.count) records"
        )
        let summary = JournalSummary(journal.records)
        let said = predicate.json
        for record in [summary?.first, summary?.sealed].compactMap({ $0 }) {
            for name in ["task", "owner", "intent", "ticket", "taskDigest", "planDigest", "profileDigest", "reason"] {
                guard let recorded = record.body[name], recorded.text != nil else { continue }
                expect(
                    recorded == said[name], name, "the journal says `\(recorded.text ?? "")` in `\(record.type)`"
                )
            }
        }
        if let recorded = journal.records.last(where: { $0.type == JournalRecord.resourcesType }) {
            expect(
                ReceiptResources(journal: recorded.body) == predicate.resources, "resources",
                "the journal says `\(recorded.body.canonicalText)`"
            )
        } else {
            expect(predicate.resources.figures.isEmpty, "resources", "the journal has no figures")
        }
        var egress = ReceiptEgress()
        for record in journal.records { egress.apply(record.type, record.body) }
        expect((predicate.egress ?? ReceiptEgress()) == egress, "egress", "the journal counts otherwise")
        let changes = journal.records.last { $0.type == ReceiptChanges.recordType }.flatMap {
            ReceiptChanges(journal: $0.body)
        }
        expect(predicate.changes == changes, "changes", "the journal tells of others")
        return problems
    }
}
