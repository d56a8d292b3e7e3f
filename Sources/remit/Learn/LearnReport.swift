// SPDX-License-Identifier: Apache-2.0

internal import RemitSandbox
internal import RemitTask

/// What a person is told after a profile was learned: what it gained and lost against its base, and what was not seen.
struct LearnReport {
    private let lesson: ProfileLesson
    private let session: String
    private let name: String
    private let failure: String?
    private let text: String
    /// What the command wrote to the workspace waits for its review.
    private let isApart: Bool

    init(
        _ lesson: ProfileLesson, session: String, name: String, failure: String?, text: String, isApart: Bool
    ) {
        self.lesson = lesson
        self.session = session
        self.name = name
        self.failure = failure
        self.text = text
        self.isApart = isApart
    }

    func show() {
        say("remit: session \(session): learned profile `\(name)`, against `\(lesson.base.name)`:")
        for line in difference { say("    \(line)") }
        if let failure { say("remit: the command did not succeed: \(failure); what comes after that was not seen") }
        tell("on the host, looked for, and not learned", lesson.hidden.map { $0.path })
        tell(
            "refused while learning",
            lesson.refused.compactMap { seen in seen.path.map { "\(seen.act.rawValue) \($0)" } })
        tell("forbidden system calls", lesson.evidence.refusedCalls.sorted())
        tell("programs looked at and not run", lesson.unrun)
        if isApart {
            say("remit: what it wrote to the workspace is kept apart: `remit diff \(session)`, `apply` or `discard`")
        }
    }

    /// Lines of the resolved profile that the base has and it has not, and the other way round.
    private var difference: [String] {
        guard let layer = try? ProfileLayer.decode(bytes: Array(text.utf8), file: name),
            let learned = try? ProfileCatalogue().resolve(layer)
        else { return ["the profile could not be read back"] }
        func values(_ profile: Profile) -> [String: String] {
            Dictionary(
                profile.explanation.map { ($0.path, $0.value) }.filter { $0.0 != "description" },
                uniquingKeysWith: { first, _ in first })
        }
        let (old, new) = (values(lesson.base), values(learned))
        let lines = Set(old.keys).union(new.keys).sorted().compactMap { path -> String? in
            switch (old[path], new[path]) {
            case (let before?, nil): "- \(path): \(before)"
            case (nil, let after?): "+ \(path): \(after)"
            case (let before?, let after?): before == after ? nil : "! \(path): \(before), now \(after)"
            case (nil, nil): nil
            }
        }
        return lines.isEmpty ? ["no difference"] : lines
    }

    private func tell(_ title: String, _ items: [String]) {
        if items.isEmpty { return }
        let more = items.count > 6 ? " and \(items.count - 6) more" : ""
        say("remit: \(title): \(items.prefix(6).joined(separator: ", "))\(more)")
    }

    private func say(_ text: String) { Output.write(Terminal.printable(text) + "\n", to: 2) }
}
