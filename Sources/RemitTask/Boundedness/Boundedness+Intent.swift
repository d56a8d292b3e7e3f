// SPDX-License-Identifier: Apache-2.0
// Whether somebody who reads the intent and the owner would know what was approved, and whom to ask.

extension Boundedness {
    static func intent(_ task: TaskSpecification) -> [Finding] {
        let advice = "intent: Fix the rounding error in orders.py and make its tests pass"
        func finding(_ grade: Grade, _ reason: String) -> [Finding] {
            [Finding(aspect: .intent, grade: grade, reason: reason, advice: grade == .bounded ? nil : advice)]
        }
        guard let intent = task.intent else { return finding(.missing, "nothing says what is to be done") }
        let words = intent.lowercased().split { !($0.isLetter || $0.isNumber || "._/-'".contains($0)) }
            .map(String.init).filter { $0.contains { $0.isLetter || $0.isNumber } }
        if words.isEmpty { return finding(.missing, "the intent has no words") }
        if words.count < 4 {
            return finding(.weak, "the intent has \(words.count) words: nobody can tell whether it was met")
        }
        if let vague = words.first(where: { vagueWords.contains($0.trimmingDots) }) {
            return finding(.weak, "`\(vague)` in the intent has no end")
        }
        if words.allSatisfy({ fillers.contains($0.trimmingDots) }) {
            return finding(.weak, "the intent names nothing that could be looked at afterwards")
        }
        if words.count > 60 { return finding(.weak, "the intent has \(words.count) words: that is more than one task") }
        if sentences(intent) > 1 { return finding(.weak, "the intent has several sentences: one task has one") }
        return finding(.bounded, "one sentence that names its object")
    }

    static func owner(_ task: TaskSpecification) -> [Finding] {
        let advice = "owner: alice@example.com"
        guard let owner = task.owner else {
            return [Finding(aspect: .owner, grade: .missing, reason: "nobody answers for it", advice: advice)]
        }
        let name = owner.lowercased().split(separator: "@").first.map(String.init) ?? ""
        if nobodies.contains(name) {
            let reason = "`\(Excerpt.of(owner))` is nobody in particular"
            return [Finding(aspect: .owner, grade: .weak, reason: reason, advice: advice)]
        }
        return [Finding(aspect: .owner, grade: .bounded, reason: "`\(Excerpt.of(owner))` answers for it", advice: nil)]
    }

    /// A full stop ends a sentence only before a space and a capital: `orders.py` and `e.g. this` do not.
    private static func sentences(_ text: String) -> Int {
        let characters = Array(text)
        let ends = characters.indices.filter { index in
            ".!?".contains(characters[index]) && index + 2 < characters.count && characters[index + 1] == " "
                && characters[index + 2].isUppercase
        }
        return ends.count + 1
    }

    private static let vagueWords: Set<String> = [
        "everything", "anything", "stuff", "things", "whatever", "etc", "somehow", "misc", "various", "all-of-it",
    ]

    private static let fillers: Set<String> = [
        "a", "all", "an", "and", "any", "as", "better", "bug", "bugs", "change", "clean", "code", "do", "fix", "for",
        "good", "help", "i", "improve", "in", "is", "issue", "issues", "it", "job", "just", "make", "me", "my",
        "needed",
        "of", "on", "our", "please", "problem", "problems", "project", "refactor", "run", "some", "something", "task",
        "test", "that", "the", "them", "this", "to", "try", "up", "update", "want", "what", "work", "you", "your",
    ]

    private static let nobodies: Set<String> = [
        "admin", "agent", "all", "anonymous", "anyone", "bot", "everyone", "me", "n/a", "nobody", "none", "root",
        "someone", "tbd", "team", "unknown", "user", "you",
    ]
}

extension String {
    fileprivate var trimmingDots: String {
        var text = self[...]
        while let last = text.last, "._/-'".contains(last) { text.removeLast() }
        return String(text)
    }
}
