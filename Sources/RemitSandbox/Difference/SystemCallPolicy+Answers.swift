// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitTask

extension SystemCallPolicy {
    /// What becomes of a call, arguments apart.
    enum Answer: String, Hashable {
        /// ENOSYS: it does not exist.
        case absent
        /// EPERM, or the end.
        case refused
        /// It depends on its arguments.
        case byArguments = "by its arguments"
        /// It is made.
        case allowed

        /// More is more.
        var freedom: Int {
            switch self {
            case .absent, .refused: 0
            case .byArguments: 1
            case .allowed: 2
            }
        }
    }

    /// An answer, and the profile's word that it comes from, if it is one.
    struct AnswerOfWord: Hashable {
        let answer: Answer
        let word: String?
        let origin: Origin?

        static let absent = AnswerOfWord(answer: .absent, word: nil, origin: nil)
    }

    /// What becomes of every call that there is a line for, by name.
    var answers: [String: AnswerOfWord] {
        Dictionary(grouping: lines + fallbacks, by: \.rule.name).mapValues { lines in
            let actions = Set(lines.map(\.rule.action))
            let isConditional = actions.count > 1 || lines.allSatisfy { !$0.rule.conditions.isEmpty }
            let answer: Answer = isConditional ? .byArguments : actions == [.allow] ? .allowed : .refused
            for case .profile(let word, _, let origin) in lines.map(\.source) {
                return AnswerOfWord(answer: answer, word: word, origin: origin)
            }
            return AnswerOfWord(answer: answer, word: nil, origin: nil)
        }
    }
}
