// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct SchemaTextTests {
    private static let tail = "; entity E; action a appliesTo {principal: E, resource: E};"

    private func message(_ text: String) -> String? {
        do {
            _ = try Schema(parsing: text)
            return nil
        } catch { return error.message }
    }

    /// Each was accepted by the reference engine.
    @Test(arguments: [
        "// c\nentity B", "entity A", "entity A = {x: Long, x: String}", "type Action = Long",
        "entity Long; entity A {x: Long}",
        "type ipaddr = Long; entity A {x: ipaddr}", "entity A {x: __cedar::ipaddr, y: __cedar::Bool}",
        "type T = {a: Long}; action b appliesTo {principal: E, resource: E, context: T}",
        "entity A; type A = Long; entity B {x: A}",
        "namespace N { entity A; action c appliesTo {principal: [A, A], resource: A}; } entity F in N::A",
        "entity A in []", "entity A in [A, A]", "entity A enum [\"x\", \"x\"]", "action c in [b, b]; action b",
        "namespace N {action c in Action::\"b\"; action b;} action d",
        "namespace N {action c in N::Action::\"b\"; action b;} action d",
        "namespace N {action c in Action::\"d\"; action b;} action d",
        "namespace N {action c in d; action b;} action d",
        "@if entity A", "@a(\"x\") namespace N{ entity A; } entity B", "@__cedar(\"x\") entity A",
        "entity A {\"in\": Long, entity: Long, type?: Set<Set<E>>,}; action b appliesTo {principal: E, resource: E,} attributes {}",
        "entity entity; entity Set {x: Set}", "action b appliesTo {context: {}, principal: [E], resource: E}",
        "action \"a b\" , c appliesTo {principal: E, resource: E}; action \"\"", "entity A tags A",
        "entity A = {} tags Long",
        "entity A {x: Action}", "namespace N {entity A {x: Action}; action c;} entity B",
        "namespace ipaddr {entity A;} entity B",
        "entity A {\"a\\u{0}b\": Long}",
        "namespace N { type T = {}; } action b appliesTo {principal: E, resource: E, context: N::T}",
        "namespace N { type T = {}; } entity A {x: Set<N::T>}", "type T = U; type U = V; type V = {}",
        "action __cedar appliesTo {principal: E, resource: E}", "entity A {__cedar: Long}",
        "entity A {x: __cedar::Long}; entity Long; type T = {}",
    ]) func `schemas that the reference engine takes are taken, and survive both translations`(text: String) throws {
        let schema = try Schema(parsing: text + SchemaTextTests.tail)
        #expect(try Schema(parsing: schema.text()) == schema)
        #expect(try Schema(json: JSONWriter.text(schema.json(), style: .indented)) == schema)
    }

    /// Each was refused by the reference engine.
    @Test(arguments: [
        "entity Action", "type Record = Long", "type Boolean = Long", "entity A {x: Boolean}",
        "type T = Long; action b appliesTo {principal: E, resource: E, context: T}",
        "action b appliesTo {principal: E, resource: E, context: E}", "namespace N { entity E; }",
        "namespace N { type E = Long; }",
        "namespace N { action a; }", "namespace N { entity A; } namespace N { entity B; } entity C",
        "namespace N::M { entity A; } namespace N { entity B in M::A;} entity C",
        "namespace __cedar { entity A; } entity C",
        "action c in [] appliesTo {principal: E, resource: E}", "action b appliesTo {principal: [E,], resource: E}",
        "entity A, A",
        "action b, b", "action b in [b]", "action b in E::\"a\"", "type A = B; type B = A", "type A = {x: Set<A>}",
        "@a(\"x\")@a(\"y\") entity A", "entity A {in: Long}", "entity true", "action b appliesTo {principal: E}",
        "action b appliesTo {principal: [], resource: E}",
        "action b appliesTo {principal: [E], resource: E, principal: E}",
        "action b appliesTo {}", "entity A enum []", "action b appliesTo {principal: E, resource: F}", "entity A = ",
        "type T = {}; entity A = T", "namespace N {action c;} type X = N::Action::Action",
        "action b appliesTo {principal: Action, resource: E}", "entity A in Action",
        "namespace true {entity A;} entity B",
        "entity A; /* c */ entity B", "action b appliesTo {principal: E, resource: E} attributes {x: Long}",
        "entity A {\"a\\*b\": Long}", "entity N::A", "namespace N { namespace M {} } entity A",
        "entity A {x: Long} = {y: Long}", "entity A {x: __cedar::Foo}", "entity A {x: __cedar::Set<Long>}",
        "entity __cedar",
        "type __cedar = Long", "action b in c; action c in b", "action b in Action::c", "entity A {x Long}",
        "entity A {x: Set<>}",
        "entity A {x: Set<Long}", "entity", "type T", "action", "@", "entity A tags", "entity \"A\"", "namespace {}",
        "foo A",
    ]) func `schemas that the reference engine refuses are refused`(text: String) {
        #expect(message(text + SchemaTextTests.tail) != nil, "\(text)")
    }

    @Test func `an error says what and where`() {
        let text = "entity A;\naction a appliesTo {principal: A, resource: B};"
        let error = #expect(throws: Diagnostic.self) { try Schema(parsing: SourceText(text, name: "s.cedarschema")) }
        #expect(error?.description == "s.cedarschema:2:45: error parsing schema: failed to resolve type: `B`")
    }

    @Test func `names are resolved and hierarchies closed`() throws {
        let schema = try Schema(
            parsing: """
                entity Org;
                namespace N {
                    type Tags = Set<String>;
                    entity Group in [Group, Org];
                    entity User in Group = { manager?: User, "e mail": String, org: Org } tags Tags;
                    entity Level enum ["low", "high"];
                    action read in all;
                    action all in any;
                    action any;
                    action write in [read, Action::"any"] appliesTo { principal: User, resource: [Group, Org], context: { n: Long } };
                }
                """)
        let user = try #require(Name("N::User"))
        let group = try #require(Name("N::Group"))
        let org = try #require(Name("Org"))
        let type = try #require(schema.entityTypes[user])
        #expect(type.parents == [group])
        #expect(type.ancestors == [group, org])
        #expect(type.tags == .set(.string))
        #expect(type.attributes.description == "{\"e mail\": String, manager?: N::User, org: Org}")
        #expect(schema.entityTypes[group]?.ancestors == [group, org])
        #expect(schema.entityTypes[try #require(Name("N::Level"))]?.enumeration == ["low", "high"])
        let action = try #require(Name("N::Action"))
        let write = try #require(schema.actions[EntityUID(type: action, id: "write")])
        #expect(Set(write.ancestors.map(\.id)) == ["read", "all", "any"])
        #expect(write.principals == [user])
        #expect(write.resources == [group, org])
        #expect(write.context.description == "{n: Long}")
    }

    @Test func `names that hide others are warned of`() throws {
        let schema = try Schema(parsing: "entity A; type A = Long; entity Long;")
        #expect(schema.warnings.count == 2)
        #expect(try Schema(parsing: "entity A;").warnings == [])
    }

    @Test func `equality looks at what is declared`() throws {
        let one = try Schema(parsing: "type T = Long; entity A {x: T}; entity B;")
        #expect(try Schema(parsing: "@note entity B; entity A {x: __cedar::Long};") == one)
        #expect(try Schema(parsing: "entity A {x?: Long}; entity B;") != one)
        #expect(try Schema(parsing: "entity A {x: Long}; entity B in A;") != one)
        #expect(try Schema(parsing: "entity A {x: Long}; entity B; action a;") != one)
    }

    @Test func `deep and large types are errors`() {
        let nested = String(repeating: "Set<", count: 100_000)
        #expect(message("type T = \(nested)") == "error parsing schema: types are nested more than 128 deep")
        let records = String(repeating: "{a:", count: 100_000)
        #expect(message("type T = \(records)") == "error parsing schema: types are nested more than 128 deep")
        var chain = "type T0 = Long;"
        for index in 1...1000 { chain += "type T\(index) = Set<T\(index - 1)>;" }
        #expect(message(chain) == "error parsing schema: the type is nested more than 256 deep")
        var doubling = "type T0 = {};"
        for index in 1...100 { doubling += "type T\(index) = {a: T\(index - 1), b: T\(index - 1)};" }
        #expect(message(doubling) == "error parsing schema: the type consists of more than 100000 types")
        var aliases = "type T0 = Long;"
        for index in 1...20_000 { aliases += "type T\(index) = T\(index - 1);" }
        #expect(message(aliases) == nil)
    }

    @Test func `a hierarchy too large to close is an error`() {
        var text = ""
        for index in 0..<1500 { text += "entity E\(index) in E\((index + 1) % 1500);" }
        #expect(message(text) == "error parsing schema: the hierarchy is too large")
    }

    @Test func `annotations survive both translations`() throws {
        let text = """
            @doc("a namespace")
            namespace N {
              @doc("a type")
              @bare
              type T = {
                @doc("an \\"attribute\\"")
                a?: Long
              };

              @doc("")
              entity E = {
                t: T
              };

              @doc("an action")
              action "a" in ["b"] appliesTo {
                principal: [E],
                resource: [E],
                context: T
              };

              action "b";
            }

            """
        let schema = try Schema(parsing: text)
        #expect(try schema.text() == text)
        #expect(try Schema(json: JSONWriter.text(schema.json())).text() == text)
    }
}
