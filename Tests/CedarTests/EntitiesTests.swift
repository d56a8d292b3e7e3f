// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

/// What is accepted and refused was asked of the reference engine.
struct EntitiesTests {
    private func entity(_ part: String = "") -> String {
        #"[{"uid":{"type":"U","id":"a"},"attrs":{},"parents":[]}]"#.replacing(
            #""attrs":{}"#, with: part.contains("\"attrs\"") ? part : "\"attrs\":{}\(part.isEmpty ? "" : ",")\(part)")
    }

    /// The value of the attribute `x` that `json` is.
    private func value(_ json: String) throws -> Value? {
        try Entities(json: entity("\"attrs\":{\"x\":\(json)}"))[EntityUID(parsing: "U::\"a\"")]?.attributes["x"]
    }

    @Test(arguments: [
        ("-9223372036854775808", "-9223372036854775808"), (#""é""#, #""é""#), ("[2,1,2]", "[1, 2]"), ("{}", "{}"),
        (#"{"__entity":{"type":"U","id":"b"}}"#, #"U::"b""#),
        (#"{"__entity":{"type":"U","id":"b","z":1}}"#, #"U::"b""#),
        (#"{"__extn":{"fn":"ip","arg":"1.1.1.1"}}"#, #"ip("1.1.1.1")"#),
        (#"{"__extn":{"fn":"ip","args":["1.1.1.1"]}}"#, #"ip("1.1.1.1")"#),
        (#"{"__extn":{"fn":"ip","arg":"1.1.1.1","args":["2.2.2.2"]}}"#, #"ip("1.1.1.1")"#),
        (#"{"__extn":{"fn":"ip","arg":"1.1.1.1","z":1}}"#, #"ip("1.1.1.1")"#),
        (
            #"{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime","arg":"1970-01-01"}},{"__extn":{"fn":"duration","arg":"1h"}}]}}"#,
            #"datetime("1970-01-01T01:00:00.000Z")"#
        ),
        (#"{"__extn":{"fn":"isIpv4","arg":{"__extn":{"fn":"ip","arg":"1.1.1.1"}}}}"#, "true"),
        // What isn't exactly an escape is a record like any other.
        (#"{"__entity":5}"#, #"{__entity: 5}"#), (#"{"__entity":{"type":"U"}}"#, #"{__entity: {type: "U"}}"#),
        (#"{"__entity":{"type":"U","id":"b"},"z":1}"#, #"{__entity: {id: "b", type: "U"}, z: 1}"#),
        (#"{"__extn":"ip"}"#, #"{__extn: "ip"}"#), (#"{"__extn":{"fn":"ip"}}"#, #"{__extn: {fn: "ip"}}"#),
        (#"{"fn":"","arg":""}"#, #"{arg: "", fn: ""}"#), (#"{"type":"U","id":"b"}"#, #"{id: "b", type: "U"}"#),
        (#"{"__expr":1}"#, "{__expr: 1}"), (#"{"__expr":"a","z":1}"#, #"{__expr: "a", z: 1}"#),
        (#"{"":1}"#, #"{"": 1}"#),
    ])
    func `values are read as the reference engine reads them`(json: String, expected: String) throws {
        let value = try value(json)?.description
        #expect(value?.replacing("\"__entity\"", with: "__entity") == expected)
    }

    @Test(arguments: [
        "null", "[null]", "1.0", "1e2", "-0", "9223372036854775808", #"{"__expr":"1"}"#, #"{"x":1,"x":2}"#,
        #"{"__entity":{"type":"a b","id":"b"}}"#, #"{"__entity":{"type":" U","id":"b"}}"#,
        #"{"__entity":{"type":"in","id":"b"}}"#, #"{"__entity":{"type":"__cedar::U","id":"b"}}"#,
        #"{"__extn":{"fn":"ip","arg":"x"}}"#, #"{"__extn":{"fn":"foo","arg":"x"}}"#, #"{"__extn":{"fn":"ip","arg":1}}"#,
        #"{"__extn":{"fn":"ip","args":[]}}"#, #"{"__extn":{"fn":"ip","args":["1.1.1.1","x"]}}"#,
        #"{"__extn":{"fn":"offset","args":[1,2]}}"#, #"{"__extn":{"fn":"ip","arg":null}}"#,
    ])
    func `other values are refused`(json: String) {
        #expect(throws: Diagnostic.self) { try value(json) }
    }

    @Test(arguments: [
        "", #""foo":1"#, #""tags":{"a":1}"#, #""attrs":{"__entity":{"type":"U","id":"a"}}"#, #""attrs":{"__extn":1}"#,
    ])
    func `these entities are accepted`(part: String) throws {
        #expect(try Entities(json: entity(part)).count == 1)
    }

    @Test(arguments: [
        "{}", "[1]", "[] x", "\u{FEFF}[]", #"[{"attrs":{},"parents":[]}]"#,
        #"[{"uid":{"type":"U","id":"a"},"parents":[]}]"#,
        #"[{"uid":{"type":"U","id":"a"},"attrs":{}}]"#, #"[{"uid":"U::\"a\"","attrs":{},"parents":[]}]"#,
        #"[{"uid":{"__expr":"U::\"a\""},"attrs":{},"parents":[]}]"#,
        #"[{"uid":{"type":1,"id":"a"},"attrs":{},"parents":[]}]"#,
        #"[{"uid":{"type":"1U","id":"a"},"attrs":{},"parents":[]}]"#,
        #"[{"uid":{"type":"U","id":"a"},"attrs":[],"parents":[]}]"#,
        #"[{"uid":{"type":"U","id":"a"},"attrs":{},"parents":["x"]}]"#,
        #"[{"uid":{"type":"U","id":"a"},"attrs":{},"parents":{}}]"#,
        #"[{"uid":{"type":"U","id":"a"},"attrs":{},"parents":[],"tags":null}]"#,
        #"[{"uid":{"type":"U","id":"a"},"attrs":{},"attrs":{},"parents":[]}]"#,
        #"[{"uid":{"type":"Action","id":"a"},"attrs":{},"parents":[{"type":"G","id":"g"}]}]"#,
        #"[{"uid":{"type":"U","id":"a"},"attrs":{},"parents":[{"type":"U","id":"a"}]}]"#,
    ])
    func `these entities are refused`(json: String) {
        #expect(throws: Diagnostic.self) { try Entities(json: json) }
    }

    @Test func `an entity may be there twice only with the same data`() throws {
        let first = entity().dropLast()
        #expect(try Entities(json: "\(first),\(entity().dropFirst())").count == 1)
        #expect(throws: Diagnostic.self) { try Entities(json: "\(first),\(entity("\"attrs\":{\"x\":1}").dropFirst())") }
    }

    @Test func `entities survive being written`() throws {
        let json = #"""
            [{"uid":{"type":"U","id":"a"},"attrs":{"b":true,"d":{"__extn":{"fn":"decimal","arg":"1.5"}},
              "e":{"__entity":{"type":"G","id":"g"}},"i":{"__extn":{"fn":"ip","arg":"10.0.0.1/8"}},"r":{"s":["x",[1]]},
              "t":{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime","arg":"9999-12-31"}},
                {"__extn":{"fn":"duration","arg":"99999d"}}]}},"u":{"__extn":{"fn":"datetime","arg":"2024-01-01"}}},
              "parents":[{"type":"G","id":"g"},{"type":"G","id":"f"}],"tags":{"x":{"__extn":{"fn":"duration","arg":"-1h"}}}},
             {"uid":{"type":"G","id":"g"},"attrs":{},"parents":[]}]
            """#
        let entities = try Entities(json: json)
        let again = try Entities(json: JSONWriter.text(entities.json))
        #expect(again.all == entities.all)
        #expect(entities.all.count == 2)
    }

    @Test func `a cycle is refused, and a diamond is none`() throws {
        let uid = { (id: String) in EntityUID(type: Name(unchecked: "G"), id: CedarString(id)) }
        let diamond = [
            Entity(uid("a"), parents: [uid("b"), uid("c")]), Entity(uid("b"), parents: [uid("d")]),
            Entity(uid("c"), parents: [uid("d")]), Entity(uid("d"), parents: [uid("e")]),
        ]
        let entities = try Entities(diamond)
        #expect(entities.ancestors(of: uid("a")) == [uid("b"), uid("c"), uid("d"), uid("e")])
        #expect(entities.isMember(uid("a"), of: uid("e")) && !entities.isMember(uid("d"), of: uid("a")))
        #expect(throws: Diagnostic.self) { try Entities(diamond + [Entity(uid("e"), parents: [uid("a")])]) }
    }

    @Test func `a schema says what values mean, and adds its actions`() throws {
        let schema = try Schema(
            parsing: """
                entity G; entity U in [G] = {ip?: ipaddr, e?: G, r?: {a: Long, b?: ipaddr}, si?: Set<ipaddr>} tags decimal;
                action v in [g] appliesTo {principal: [U], resource: [U], context: {at: datetime}}; action g;
                """)
        let json = #"""
            [{"uid":{"type":"U","id":"a"},"attrs":{"ip":"1.1.1.1","e":{"type":"G","id":"g"},"r":{"a":1,"b":{"fn":"ip","arg":"::1"}},
              "si":["1.1.1.1",{"__extn":{"fn":"ip","arg":"1.1.1.2"},"z":1}]},"parents":[],"tags":{"t":"1.5"}}]
            """#
        let entities = try Entities(json: json, schema: schema)
        let entity = try #require(entities[EntityUID(parsing: "U::\"a\"")])
        #expect(
            entity.attributes.description
                == #"{e: G::"g", ip: ip("1.1.1.1"), r: {a: 1, b: ip("::1")}, si: [ip("1.1.1.1"), ip("1.1.1.2")]}"#)
        #expect(entity.tags.description == #"{t: decimal("1.5")}"#)
        let action = try EntityUID(parsing: "Action::\"v\"")
        #expect(entities.isMember(action, of: try EntityUID(parsing: "Action::\"g\"")))
        let context = try CedarRecord(json: SourceText(#"{"at":"2024-01-01"}"#), schema: schema, action: action)
        #expect(context["at"] == .datetime(try #require(CedarDatetime("2024-01-01"))))
        for wrong in [#"{}"#, #"{"at":1}"#, #"{"at":"2024"}"#, #"{"at":"2024-01-01","x":1}"#, "[]"] {
            #expect(throws: Diagnostic.self) {
                try CedarRecord(json: SourceText(wrong), schema: schema, action: action)
            }
        }
    }

    @Test func `an error has the place of the value at fault`() throws {
        let error = try #require(throws: Diagnostic.self) {
            try Entities(
                json: SourceText(
                    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"parents\":[],\n\"attrs\":{\"x\":null}}]", name: "e.json")
            )
        }
        #expect(error.description == "e.json:2:14: found a `null`; JSON `null`s are not allowed in Cedar")
    }

    @Test func `a context is a record`() throws {
        #expect(try CedarRecord(json: SourceText(#"{"a":{"__entity":{"type":"U","id":"b"}}}"#)).count == 1)
        for wrong in ["[]", "1", #"{"__entity":{"type":"U","id":"a"}}"#, #"{"__extn":{"fn":"ip","arg":"::1"}}"#, ""] {
            #expect(throws: Diagnostic.self) { try CedarRecord(json: SourceText(wrong)) }
        }
    }
}
