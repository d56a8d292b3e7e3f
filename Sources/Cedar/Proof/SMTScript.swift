// SPDX-License-Identifier: Apache-2.0

/// A script in SMT-LIB 2.6 while it is written: declarations, definitions and assertions in order.
struct SMTScript: Sendable {
    /// What a name stands for.
    enum Sort: String, Sendable {
        case bool = "Bool"
        case int = "Int"
        case string = "String"
        case bits = "(_ BitVec 128)"
    }

    private(set) var lines: [String] = []
    private var count = 0

    /// A new function of arguments of these sorts, or a new constant.
    mutating func declare(_ arguments: [Sort] = [], _ result: Sort, note: String) -> String {
        let name = fresh("f")
        let sorts = arguments.map(\.rawValue).joined(separator: " ")
        lines.append("; \(name): \(SMTScript.comment(note))")
        lines.append("(declare-fun \(name) (\(sorts)) \(result.rawValue))")
        return name
    }

    /// A name for a term, so that what uses the term many times stays small.
    mutating func define(_ term: String, _ sort: Sort = .bool) -> String {
        guard term.utf8.contains(UInt8(ascii: "(")) else { return term }
        let name = fresh("d")
        lines.append("(define-fun \(name) () \(sort.rawValue) \(term))")
        return name
    }

    /// Requires that something is true.
    mutating func assert(_ term: String) {
        if term != "true" { lines.append("(assert \(term))") }
    }

    private mutating func fresh(_ prefix: String) -> String {
        count += 1
        return "\(prefix)\(count)"
    }

    /// A note that can't end the line it is on.
    private static func comment(_ note: String) -> String {
        String(note.unicodeScalars.map { $0.isASCII && $0.value >= 0x20 ? Character($0) : "?" }.prefix(120))
    }
}

/// Terms of SMT-LIB, simplified where that takes no thought.
enum SMT {
    static func not(_ term: String) -> String {
        switch term {
        case "true": "false"
        case "false": "true"
        default: "(not \(term))"
        }
    }

    static func and(_ terms: [String]) -> String {
        if terms.contains("false") { return "false" }
        let terms = terms.filter { $0 != "true" }
        return terms.count > 1 ? "(and \(terms.joined(separator: " ")))" : terms.first ?? "true"
    }

    static func or(_ terms: [String]) -> String {
        if terms.contains("true") { return "true" }
        let terms = terms.filter { $0 != "false" }
        return terms.count > 1 ? "(or \(terms.joined(separator: " ")))" : terms.first ?? "false"
    }

    static func implies(_ condition: String, _ term: String) -> String {
        switch (condition, term) {
        case ("true", _): term
        case ("false", _), (_, "true"): "true"
        case (_, "false"): not(condition)
        default: "(=> \(condition) \(term))"
        }
    }

    static func ite(_ condition: String, _ then: String, _ otherwise: String) -> String {
        switch condition {
        case "true": then
        case "false": otherwise
        default: then == otherwise ? then : "(ite \(condition) \(then) \(otherwise))"
        }
    }

    static func equal(_ left: String, _ right: String) -> String {
        left == right ? "true" : "(= \(left) \(right))"
    }

    static func apply(_ function: String, _ arguments: [String]) -> String {
        arguments.isEmpty ? function : "(\(function) \(arguments.joined(separator: " ")))"
    }

    static func integer(_ value: Int64) -> String {
        value < 0 ? "(- \(value.magnitude))" : String(value)
    }

    static func bits(_ value: UInt128) -> String { "(_ bv\(value) 128)" }

    /// A string literal, or nil where it has a character that SMT-LIB's strings can't have.
    static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String? {
        var literal = "\""
        for scalar in scalars {
            switch scalar {
            case "\"": literal += "\"\""
            case "\\": literal += "\\u{5c}"
            case " "..."~": literal.unicodeScalars.append(scalar)
            default:
                guard scalar.value <= 0x2FFFF else { return nil }
                literal += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return literal + "\""
    }
}
