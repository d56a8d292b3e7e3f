// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTesting
import Testing

extension CLI {
    /// `remit policy`, as people and programs use it.
    @Suite struct PolicyTests {
        private static let schema = """
            entity Team;
            entity User in [Team] { level: Long };
            entity Doc { owner: User, open?: Bool };
            action read appliesTo { principal: User, resource: Doc, context: { mfa: Bool } };
            """
        private static let policies = """
            permit (principal in Team::"writers", action == Action::"read", resource)
            when { context.mfa };
            forbid (principal, action, resource) unless { resource has open && resource.open };
            """
        private static let entities = """
            [{"uid": {"type": "User", "id": "a"}, "attrs": {"level": 1}, "parents": [{"type": "Team", "id": "writers"}]},
             {"uid": {"type": "Team", "id": "writers"}, "attrs": {}, "parents": []},
             {"uid": {"type": "Doc", "id": "d"}, "attrs": {"owner": {"type": "User", "id": "a"}, "open": true}, "parents": []}]
            """
        private static let request = """
            {"principal": "User::\\"a\\"", "action": {"type": "Action", "id": "read"},
             "resource": {"__entity": {"type": "Doc", "id": "d"}}, "context": {"mfa": true}}
            """

        private func playground() throws -> Playground {
            let place = try Playground()
            try place.write(Self.schema, to: place.base + "/schema.cedarschema")
            try place.write(Self.policies, to: place.base + "/policies.cedar")
            try place.write(Self.entities, to: place.base + "/entities.json")
            return place
        }

        private func question(_ place: Playground) -> String {
            """
            {"policies": "\(place.base)/policies.cedar", "schema": "\(place.base)/schema.cedarschema", \
            "entities": "\(place.base)/entities.json", "request": \(Self.request.replacing("\n", with: " "))}
            """
        }

        @Test func `a request is decided, with files named or inline, one or many`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let single = try place.shell("echo '\(question(place))' | \"$REMIT\" policy authorize")
            #expect(single.exit == 0, "\(single)")
            #expect(try single.json()["decision"].text == "allow", "\(single)")
            #expect(try single.json()["reason"].list?.compactMap(\.text) == ["policy0"], "\(single)")
            let lines = [
                question(place), "not json", "",
                #"{"policies":"permit(principal,action,resource) when {1 + true == 2};","entities":[],"principal":"U::\"a\"","#
                    + #""action":"Action::\"x\"","resource":"U::\"b\"","context":{}}"#,
            ]
            try place.write(lines.joined(separator: "\n") + "\n", to: place.base + "/questions.jsonl")
            let batch = try place.shell("\"$REMIT\" policy authorize --batch < '\(place.base)/questions.jsonl'")
            let answers = batch.text.split(separator: "\n").map { try? JSON.parse(Array($0.utf8)) }
            #expect(batch.exit == 0 && answers.count == 3, "\(batch)")
            #expect(answers.first??["decision"].text == "allow")
            #expect(answers.dropFirst().first??["error"].text != nil)
            #expect(answers.last??["decision"].text == "deny")
            #expect(answers.last??["errors"].list?.compactMap(\.text) == ["policy0"])
        }

        @Test func `a question that is a dash leaves the next ones where they are`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let questions = ["-", "entity A;", "-"].map { #"{"policies": "", "schema": "\#($0)"}"# }
            try place.write(questions.joined(separator: "\n") + "\n", to: place.base + "/questions.jsonl")
            let batch = try place.shell("\"$REMIT\" policy validate --batch < '\(place.base)/questions.jsonl'")
            let answers = batch.text.split(separator: "\n").map(String.init)
            #expect(answers.count == 3 && answers[1].contains("true"), "\(batch)")
            #expect(answers.first?.contains("cannot read `-`") == true, "\(batch)")
        }

        @Test func `a batch notices what changed between its questions`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let question = question(place)
            try place.write(question, to: place.base + "/question")
            try place.write(
                question.replacing(#""schema": "\#(place.base)/schema.cedarschema", "#, with: ""),
                to: place.base + "/without-schema")
            let result = try place.shell(
                """
                cd '\(place.base)' && mkfifo questions answers || exit 1
                "$REMIT" policy authorize --batch <questions >answers &
                exec 3>questions 4<answers
                ask() { tr -d '\\n' <"$1" >&3; echo >&3; read -r answer <&4; printf "%s\\n" "$answer"; }
                ask question
                sed -i 's/"open": true/"open": false/' entities.json; ask question
                sed -i 's/"open": false/"open": true/' entities.json; ask question
                sed -i 's/open?: Bool/open?: Long/' schema.cedarschema; ask question
                ask without-schema
                ask question
                sed -i 's/open?: Long/open?: Bool/' schema.cedarschema; ask question
                sed -i 's/context.mfa/!context.mfa/' policies.cedar; ask question
                exec 3>&-; wait
                """)
            let answers = try result.text.split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
            let decisions = answers.map { $0["decision"].text ?? ($0["error"].text == nil ? "neither" : "error") }
            #expect(
                decisions == ["allow", "deny", "allow", "error", "allow", "error", "allow", "deny"], "\(result)")
        }

        @Test func `a request that the schema does not allow is not decided`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let other = question(place).replacing(#""mfa": true"#, with: #""mfa": 1"#)
            let result = try place.shell("echo '\(other)' | \"$REMIT\" policy authorize")
            #expect(result.exit == 64 && result.text.isEmpty, "\(result)")
        }

        @Test func `an error of syntax is shown with its place, its line and the span`() throws {
            let place = try playground()
            defer { place.tearDown() }
            try place.write("permit (principal, action, resource)\nwhen { 1 + };\n", to: place.base + "/bad.cedar")
            let result = try place.remit(["policy", "check", place.base + "/bad.cedar"])
            #expect(result.exit == 64, "\(result)")
            #expect(result.errors.contains("bad.cedar:2:12: "), "\(result.errors)")
            #expect(result.errors.contains("2 | when { 1 + };\n    |            ^"), "\(result.errors)")
        }

        @Test func `validation finds what a policy may trip over`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let good = try place.remit(
                [
                    "policy", "validate", "--schema", "\(place.base)/schema.cedarschema", "--policies",
                    "\(place.base)/policies.cedar",
                ])
            #expect(good.exit == 0, "\(good)")
            try place.write(
                "permit (principal, action, resource) when { resource.open };", to: place.base + "/unguarded.cedar")
            let bad = try place.remit(
                [
                    "policy", "validate", "--schema", "\(place.base)/schema.cedarschema", "--policies",
                    "\(place.base)/unguarded.cedar",
                ])
            #expect(bad.exit == 1, "\(bad)")
            #expect(try bad.json()["valid"].bool == false)
            #expect(bad.text.contains("unsafe-optional-attribute"), "\(bad)")
        }

        @Test func `what is translated to JSON and back, and formatted, stays the same policy`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let json = try place.remit(["policy", "translate", "policies", "\(place.base)/policies.cedar"])
            #expect(json.exit == 0, "\(json)")
            try place.write(json.text, to: place.base + "/policies.json")
            let text = try place.remit(["policy", "translate", "policies", "\(place.base)/policies.json"])
            try place.write(text.text, to: place.base + "/again.cedar")
            #expect(try place.remit(["policy", "format", "--check", "\(place.base)/again.cedar"]).exit == 0)
            let again = try place.remit(["policy", "translate", "policies", "\(place.base)/again.cedar"])
            #expect(again.text == json.text)
        }

        @Test func `hostile texts are errors within bounds`() throws {
            let place = try playground()
            defer { place.tearDown() }
            let nested = String(repeating: "(", count: 100_000)
            try place.write("permit (principal, action, resource) when { \(nested)", to: place.base + "/nested.cedar")
            let bangs = String(repeating: "!", count: 10_000_000)
            try place.write("permit (principal, action, resource) when { \(bangs)", to: place.base + "/bangs.cedar")
            for name in ["nested", "bangs"] {
                let result = try place.remit(["policy", "check", "\(place.base)/\(name).cedar"])
                #expect(result.exit == 64, "\(name): \(result.exit)")
                #expect(result.errors.utf8.count < 2000, "\(name)")
            }
        }

        @Test(
            .enabled(
                if: Files.isExecutable("/usr/bin/cvc5") || Files.isExecutable("/usr/bin/z3"), "there is no SMT solver"))
        func `wider policies are refuted by a request that is decided differently, narrower ones proved`() throws {
            let place = try playground()
            defer { place.tearDown() }
            try place.write(Self.policies.replacing("when { context.mfa }", with: ""), to: place.base + "/wider.cedar")
            let files = (old: "\(place.base)/policies.cedar", new: "\(place.base)/wider.cedar")
            let schema = ["--schema", "\(place.base)/schema.cedarschema"]
            let narrower = try place.remit(["policy", "prove", files.new, files.old] + schema, within: .seconds(60))
            #expect(narrower.exit == 0, "\(narrower)")
            let wider = try place.remit(["policy", "prove", files.old, files.new] + schema, within: .seconds(60))
            #expect(wider.exit == 1, "\(wider)")
            let example = try wider.json()["questions"][0]["example"]
            #expect(example["request"]["context"]["mfa"].bool == false, "\(wider)")
        }
    }
}
