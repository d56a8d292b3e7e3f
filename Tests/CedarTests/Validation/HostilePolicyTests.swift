// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

/// What a text may ask for is bounded, whatever is done with the policy that comes of it.
struct HostilePolicyTests {
    private static let schema = """
        entity User { name: String, level: Long, boss: User, open: Bool };
        action read appliesTo { principal: User, resource: User, context: { n: Long } };
        """

    private static let conditions: [String] = {
        func nested(_ open: String, _ core: String, _ close: String, _ count: Int) -> String {
            String(repeating: open, count: count) + core + String(repeating: close, count: count)
        }
        return [
            "principal" + String(repeating: ".boss", count: 500) + ".open",
            "principal has boss" + String(repeating: ".boss", count: 5000),
            Array(repeating: "principal.open", count: 20_000).joined(separator: " && "),
            Array(repeating: "principal has name", count: 20_000).joined(separator: " || "),
            (0..<500).map { "context.n == \($0)" }.joined(separator: " && "),
            "1" + String(repeating: " + 1", count: 500) + " > 0",
            nested("(if principal.open then ", "principal", " else resource)", 100) + ".open",
            nested("[", "1", "]", 100) + ".isEmpty()", nested("{a: ", "1", "}", 100) + " has a",
            nested("!(", "principal.open", ")", 100), nested("(principal is User in ", "principal", ")", 1),
            nested("(if principal is User in principal then ", "principal", " else resource)", 60)
                + " is User in resource",
            (0..<3000).map { "principal has a\($0)" }.joined(separator: " && ") + " && ("
                + (0..<3000).map { "principal.open && context has b\($0)" }.joined(separator: " || ") + ")",
            "[" + (0..<20_000).map(String.init).joined(separator: ", ") + "].contains(context.n)",
            "{" + (0..<5000).map { "a\($0): \($0)" }.joined(separator: ", ") + "} has a1",
        ]
    }()

    @Test(arguments: conditions.indices)
    func `policies as large as the parser takes are checked, analysed and encoded`(index: Int) throws {
        let text = "permit(principal, action, resource) when { \(Self.conditions[index]) };"
        guard let policies = try? PolicySet(parsing: text) else { return }
        let schema = try Schema(parsing: Self.schema)
        let findings = Validator(schema).validate(policies, level: 1000)
        _ = Analyzer(schema: schema).analyze(policies)
        guard findings.allSatisfy({ $0.severity == .warning }) else { return }
        let prover = try Prover(schema, old: PolicySet(), new: policies)
        for environment in prover.environments { _ = prover.question(environment)?.script }
    }

    @Test func `most of them are taken by the parser and pass`() throws {
        let schema = try Schema(parsing: Self.schema)
        let passing = Self.conditions.filter { condition in
            let text = "permit(principal, action, resource) when { \(condition) };"
            guard let policies = try? PolicySet(parsing: text) else { return false }
            return Validator(schema).validate(policies).allSatisfy { $0.severity == .warning }
        }
        #expect(passing.count >= 10)
    }

    @Test func `schema text and JSON cut off anywhere are errors`() throws {
        let text = """
            @a("b") namespace N { type T = {"x y"?: Set<Long>}; entity E in [F] = {t: T} tags String; entity F enum ["a"];
            action "r" in [g] appliesTo { principal: [E], resource: E, context: T }; action g; }
            """
        let schema = try Schema(parsing: text)
        let json = JSONWriter.text(schema.json())
        for length in 0..<text.utf8.count {
            let cut = String(decoding: text.utf8.prefix(length), as: UTF8.self)
            if let schema = try? Schema(parsing: cut) { #expect(schema.syntax.namespaces.isEmpty, "\(cut)") }
        }
        for length in 0..<json.utf8.count {
            let cut = String(decoding: json.utf8.prefix(length), as: UTF8.self)
            #expect(throws: Diagnostic.self) { try Schema(json: cut) }
        }
    }

    @Test func `schemas with bytes changed at random never do worse than fail`() throws {
        let text = Array(
            """
            @a("b") namespace N { type T = {"x y"?: Set<Long>}; entity E in [F] = {t: T} tags String; entity F enum ["a"];
            action "r" in [g] appliesTo { principal: [E], resource: E, context: T }; action g; }
            """.utf8)
        let json = JSONWriter.write(try Schema(parsing: String(decoding: text, as: UTF8.self)).json())
        let alphabet = Array("{}[]<>:;,@?\"\\=EFTN \n\u{e9}\0".utf8)
        var generator = SplitMix(state: 42)
        for _ in 0..<3000 {
            for (bytes, isJSON) in [(text, false), (json, true)] {
                var bytes = bytes
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0: bytes[index] = alphabet.randomElement(using: &generator) ?? 0
                    case 1: bytes.remove(at: index)
                    default: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: index)
                    }
                }
                guard let source = try? SourceText(utf8: bytes) else { continue }
                guard let schema = try? isJSON ? Schema(json: source) : Schema(parsing: source) else { continue }
                #expect(try Schema(json: JSONWriter.text(schema.json())) == schema)
            }
        }
    }
}
