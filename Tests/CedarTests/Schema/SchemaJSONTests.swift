// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct SchemaJSONTests {
    /// Puts in, for a bare `A`, the action that most of the cases have.
    private func schema(_ text: String) throws(Diagnostic) -> Schema {
        let action = #"{"appliesTo": {"principalTypes": ["E"], "resourceTypes": ["E"]}}"#
        return try Schema(
            json: text.split(separator: ": A", omittingEmptySubsequences: false).joined(separator: ": " + action))
    }

    /// Each was accepted by the reference engine.
    @Test(arguments: [
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Bool"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Boolean"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "required": false}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "ipaddr"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Extension", "name": "ipaddr"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Entity", "name": "E"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Entity", "name": "Action"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "EntityOrCommon", "name": "E"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "EntityOrCommon", "name": "Long"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "__cedar::Long"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Set", "element": {"type": "Long"}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Record", "attributes": {}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Record", "attributes": {}, "additionalAttributes": false}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "T"}}}}}, "actions": {"a": A}, "commonTypes": {"T": {"type": "Long"}}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "T"}}}}}, "actions": {"a": A}, "commonTypes": {"T": {"type": "Long", "annotations": {"a": "b"}}}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "annotations": {"a": "b"}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "annotations": {"a": null}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "annotations": {"if": "b"}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"memberOfTypes": ["E"]}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "T"}}}, "actions": {"a": A}, "commonTypes": {"T": {"type": "Record", "attributes": {}}}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "EntityOrCommon", "name": "T"}}}, "actions": {"a": A}, "commonTypes": {"T": {"type": "Record", "attributes": {}}}}}"#,
        #"{"": {"entityTypes": {"E": {"tags": {"type": "Long"}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"enum": ["a"]}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"enum": ["a"], "annotations": {"x": "y"}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"enum": ["a", "a"]}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"annotations": {"x": "y"}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": {}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": null}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {"principalTypes": [], "resourceTypes": []}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {"principalTypes": ["E"], "resourceTypes": ["E"], "context": {"type": "Record", "attributes": {}}}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {"principalTypes": ["E"], "resourceTypes": ["E"], "context": {"type": "T"}}}}, "commonTypes": {"T": {"type": "Record", "attributes": {}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"attributes": null}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"memberOf": [{"id": "a"}]}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"memberOf": null}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"memberOf": [{"id": "a", "type": "Action"}]}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"memberOf": [{"id": "a", "type": null}]}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"annotations": {"x": "y"}}}}}"#,
        #"{"N": {"entityTypes": {"E": {}}, "actions": {"a": A}, "annotations": {"x": "y"}}}"#,
        #"{"N": {"entityTypes": {"E": {}}, "actions": {"a": A}}, "": {"entityTypes": {}, "actions": {}}}"#,
        #"{"N::M": {"entityTypes": {"E": {}}, "actions": {"a": A}}}"#,
        #"{}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Set", "element": {"type": "Long"}, "required": false, "annotations": {}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"": {"type": "Long"}, "a b": {"type": "Long"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a b\n": A}}}"#,
    ]) func `schemas that the reference engine takes are taken, and survive translation`(text: String) throws {
        let schema = try schema(text)
        #expect(try Schema(json: JSONWriter.text(schema.json())) == schema)
        let isWritable = !text.contains(#"[], "resourceTypes": []"#)
        if isWritable { #expect(try Schema(parsing: schema.text()) == schema) }
    }

    /// Each was refused by the reference engine.
    @Test(arguments: [
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Extension", "name": "foo"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Extension", "name": "__cedar::ipaddr"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Entity", "name": "ipaddr"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "EntityOrCommon", "name": "Boolean"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "E"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "__cedar::Boolean"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Set"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Set", "element": {"type": "Long"}, "name": "x"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "name": "x"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "foo": "x"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Record"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Record", "attributes": {}, "additionalAttributes": true}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Record", "attributes": {}, "additionalAttributes": null}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "element": {"type": "Long"}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "T", "element": {"type": "Long"}}}}}}, "actions": {"a": A}, "commonTypes": {"T": {"type": "Long"}}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "T"}}}}}, "actions": {"a": A}, "commonTypes": {"T": {"type": "Long", "required": true}}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "annotations": {"a b": "b"}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Set", "element": {"type": "Long", "annotations": {"a": "b"}}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Set", "element": {"type": "Long", "required": true}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"memberOfTypes": null}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"memberOfTypes": ["F"]}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"memberOfTypes": "E"}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"foo": 1}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "T"}}}, "actions": {"a": A}, "commonTypes": {"T": {"type": "Long"}}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Long"}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": null}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"tags": null}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"enum": []}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"enum": ["a"], "memberOfTypes": []}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"enum": [1]}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E F": {}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"if": {}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"N::E": {}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"Action": {}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"__cedar": {}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A}, "commonTypes": {"Long": {"type": "Long"}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A}, "commonTypes": {"Entity": {"type": "Long"}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A}, "commonTypes": {"a b": {"type": "Long"}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {"principalTypes": ["E"]}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {"principalTypes": null, "resourceTypes": ["E"]}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {"principalTypes": ["E"], "resourceTypes": ["E"], "foo": 1}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {"principalTypes": ["E"], "resourceTypes": ["E"], "context": {"type": "Long"}}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"appliesTo": {"principalTypes": ["E"], "resourceTypes": ["E"], "context": null}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"attributes": {}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"attributes": {"x": 1}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"memberOf": [{"id": "a", "type": "E"}]}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"memberOf": [{"id": "a", "foo": "E"}]}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"memberOf": ["a"]}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A, "b": {"foo": {"x": "y"}}}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A}, "annotations": {"x": "y"}}}"#,
        #"{"": {"entityTypes": {"E": {}}, "actions": {"a": A}, "foo": {"x": "y"}}}"#,
        #"{"N ": {"entityTypes": {"E": {}}, "actions": {"a": A}}}"#,
        #"{"__cedar": {"entityTypes": {"E": {}}, "actions": {"a": A}}}"#,
        #"{"N::__cedar": {"entityTypes": {"E": {}}, "actions": {"a": A}}}"#,
        #"{"N": {"entityTypes": {"E": {}}}}"#,
        #"{"N": {"actions": {}}}"#,
        #"[]"#,
        #"{"":{"entityTypes":{"E":{},"E":{}},"actions":{}}}"#,
        #"{"":{"entityTypes":{"E":{}},"actions":{}, "actions":{}}}"#,
        #"{"":{"entityTypes":{"E":{"shape":{"type":"Record","attributes":{"a":{"type":"Long"},"a":{"type":"Long"}}}}},"actions":{}}}"#,
        #"{"":{"entityTypes":{"E":{}},"actions":{"a":{"appliesTo":{"principalTypes":["E"],"resourceTypes":["E"]}, "appliesTo":{"principalTypes":["E"],"resourceTypes":["E"]}}}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Entity", "name": "E "}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Entity"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"name": "E"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Entity", "name": "if"}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Record", "attributes": {}, "element": {"type": "Long"}}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Long", "required": null}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Entity", "name": "E", "additionalAttributes": false}}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {}, "annotations": {"a": "b"}}}}, "actions": {"a": A}}}"#,
        #"{"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {"x": {"type": "Entity", "name": "__cedar::E"}}}}}, "actions": {"a": A}}}"#,
    ]) func `schemas that the reference engine refuses are refused`(text: String) {
        #expect(throws: Diagnostic.self) { try schema(text) }
    }
}
