// SPDX-License-Identifier: Apache-2.0

/// Reads policies from JSON, the form other implementations of Cedar read and write too.
///
/// Recursion is bounded by the depth of the JSON.
struct PolicyJSONReader {
    private let limits: SyntaxLimits
    private var values: ValueReader

    init(_ source: SourceText, limits: SyntaxLimits) {
        self.limits = limits
        values = ValueReader(source)
    }

    /// How deep JSON may be that holds policies: two levels for every expression, some for what is around.
    static func jsonLimits(_ limits: SyntaxLimits) -> JSONReader.Limits {
        JSONReader.Limits(depth: 2 * limits.height + 32, length: limits.bytes)
    }

    // MARK: Sets

    /// Reads a set: static policies, templates and links.
    mutating func policySet(_ json: JSONValue) throws(Diagnostic) -> PolicySet {
        let members = try members(
            of: json, "a policy set", required: [], optional: ["staticPolicies", "templates", "templateLinks"])
        var set = PolicySet(limits: limits)
        for (key, isTemplate) in [("staticPolicies", false), ("templates", true)] {
            guard let bodies = members[key] else { continue }
            guard case .object(let bodies) = bodies.kind else {
                throw error("`\(key)` must be an object, found \(bodies.kindName)", at: bodies)
            }
            for body in bodies {
                let id = CedarString(String(decoding: body.key, as: UTF8.self))
                let template = try policy(body.value)
                guard template.slots.isEmpty != isTemplate else {
                    throw error(
                        isTemplate
                            ? "template `\(id)` has no slots" : "static policy `\(id)` has slots", at: body.value)
                }
                try at(body.value) { () throws(Diagnostic) in try set.add(template, id: id) }
            }
        }
        if let links = members["templateLinks"] {
            for link in try array(links) { try self.link(link, in: &set) }
        }
        return set
    }

    private mutating func link(_ json: JSONValue, in set: inout PolicySet) throws(Diagnostic) {
        let members = try members(of: json, "a template link", required: ["templateId", "newId", "values"])
        let templateID = try string(members["templateId"] ?? json)
        let id = try string(members["newId"] ?? json)
        guard case .object(let written) = members["values"]?.kind else {
            throw error("`values` must be an object", at: json)
        }
        var filled: [Slot: EntityUID] = [:]
        for member in written {
            let name = String(decoding: member.key, as: UTF8.self)
            guard let slot = Slot(rawValue: name) else {
                throw error(
                    "`\(CedarString(name).literal.dropFirst().dropLast())` is not a valid template slot", at: json)
            }
            filled[slot] = try values.uid(member.value)
        }
        try at(json) { () throws(Diagnostic) in try set.link(templateID, as: id, values: filled) }
    }

    // MARK: Policies

    /// Reads one policy or template.
    mutating func policy(_ json: JSONValue) throws(Diagnostic) -> Template {
        let members = try members(
            of: json, "a policy", required: ["effect", "principal", "action", "resource", "conditions"],
            optional: ["annotations"])
        let written = try string(members["effect"] ?? json)
        guard let effect = Effect(rawValue: written.string) else {
            throw error("effect must be either `permit` or `forbid`", at: members["effect"] ?? json)
        }
        let scope = Scope(
            principal: try constraint(members["principal"] ?? json, slot: .principal),
            action: try actionConstraint(members["action"] ?? json),
            resource: try constraint(members["resource"] ?? json, slot: .resource)
        )
        var conditions: [Condition] = []
        for condition in try array(members["conditions"] ?? json) {
            conditions.append(try self.condition(condition))
        }
        return Template(
            annotations: try annotations(members["annotations"]), effect: effect, scope: scope, conditions: conditions)
    }

    private func annotations(_ json: JSONValue?) throws(Diagnostic) -> [Annotation] {
        guard let json else { return [] }
        guard case .object(let members) = json.kind else {
            throw error("`annotations` must be an object, found \(json.kindName)", at: json)
        }
        var annotations: [Annotation] = []
        for member in members {
            let key = CedarString(String(decoding: member.key, as: UTF8.self))
            guard Identifier.isWellFormed(key) else {
                throw error("invalid annotation name: `\(key.literal.dropFirst().dropLast())`", at: member.value)
            }
            var value: CedarString?
            if case .null = member.value.kind {} else { value = try string(member.value) }
            annotations.append(Annotation(key: key, value: value))
        }
        return annotations
    }

    private mutating func condition(_ json: JSONValue) throws(Diagnostic) -> Condition {
        let members = try members(of: json, "a condition", required: ["kind", "body"])
        guard let kind = Condition.Kind(rawValue: try string(members["kind"] ?? json).string) else {
            throw error("condition must be either `when` or `unless`", at: members["kind"] ?? json)
        }
        let body = try expression(members["body"] ?? json)
        guard body.height <= limits.height else {
            throw error("expression is more than \(limits.height) operations deep", at: json)
        }
        return Condition(kind, body)
    }

    // MARK: Scope

    private mutating func constraint(_ json: JSONValue, slot: Slot) throws(Diagnostic) -> ScopeConstraint {
        switch try string(json["op"] ?? json) {
        case "All":
            _ = try members(of: json, "a constraint", required: ["op"])
            return .any
        case "==": return .equal(try reference(json, slot: slot, beside: ["op"]))
        case "in": return .in(try reference(json, slot: slot, beside: ["op"]))
        case "is":
            let members = try members(of: json, "a constraint", required: ["op", "entity_type"], optional: ["in"])
            let type = try name(members["entity_type"] ?? json)
            guard let container = members["in"] else { return .is(type) }
            return .isIn(type, try reference(container, slot: slot, beside: []))
        default: throw error("`op` must be `All`, `==`, `in` or `is`", at: json)
        }
    }

    private mutating func reference(
        _ json: JSONValue, slot: Slot, beside others: [String]
    ) throws(Diagnostic) -> EntityReference {
        let members = try members(of: json, "a constraint", required: others, optional: ["entity", "slot"])
        switch (members["entity"], members["slot"]) {
        case (let entity?, nil): return .entity(try values.uid(entity))
        case (nil, let written?):
            guard try string(written).string == slot.rawValue else {
                throw error("only slot `\(slot.rawValue)` can be used here", at: written)
            }
            return .slot(slot)
        default: throw error("expected either `entity` or `slot`", at: json)
        }
    }

    private mutating func actionConstraint(_ json: JSONValue) throws(Diagnostic) -> ActionConstraint {
        let constraint: ActionConstraint
        switch try string(json["op"] ?? json) {
        case "All":
            _ = try members(of: json, "a constraint", required: ["op"])
            constraint = .any
        case "==":
            let members = try members(of: json, "a constraint", required: ["op", "entity"])
            constraint = .equal(try values.uid(members["entity"] ?? json))
        case "in":
            let members = try members(of: json, "a constraint", required: ["op"], optional: ["entity", "entities"])
            switch (members["entity"], members["entities"]) {
            case (let entity?, nil): constraint = .in(try values.uid(entity))
            case (nil, let entities?):
                var actions: [EntityUID] = []
                for entity in try array(entities) { actions.append(try values.uid(entity)) }
                constraint = .inAny(actions)
            default: throw error("expected either `entity` or `entities`", at: json)
            }
        default: throw error("`op` of an action must be `All`, `==` or `in`", at: json)
        }
        for action in constraint.entities where action.type.base != "Action" {
            throw error("expected an entity uid with type `Action` but got `\(action)`", at: json)
        }
        return constraint
    }

    // MARK: Expressions

    private mutating func expression(_ json: JSONValue) throws(Diagnostic) -> Expression {
        guard case .object(let members) = json.kind, let member = members.first, members.count == 1 else {
            throw error("expected an expression, an object of one member", at: json)
        }
        return Expression(try node(String(decoding: member.key, as: UTF8.self), member.value))
    }

    private mutating func node(_ tag: String, _ json: JSONValue) throws(Diagnostic) -> Expression.Node {
        switch tag {
        case "Value": return Expression(constant: try values.value(json, nil)).node
        case "Var":
            guard let variable = Variable(rawValue: try string(json).string) else {
                throw error("variable must be `principal`, `action`, `resource` or `context`", at: json)
            }
            return .variable(variable)
        case "Slot": throw error("slots are currently unsupported in conditions", at: json)
        case "!": return .not(try operand(json))
        case "neg": return .negate(try operand(json))
        case "isEmpty": return .isEmpty(try operand(json))
        case "&&":
            let (left, right) = try operands(json)
            if case .and(let chain) = left.node { return .and(chain + [right]) }
            return .and([left, right])
        case "||":
            let (left, right) = try operands(json)
            if case .or(let chain) = left.node { return .or(chain + [right]) }
            return .or([left, right])
        case ".":
            let (left, name) = try attribute(json)
            return .attribute(left, name)
        case "has":
            let (left, name) = try attribute(json)
            return .has(left, [name])
        case "like":
            let members = try members(of: json, "`like`", required: ["left", "pattern"])
            let left = try expression(members["left"] ?? json)
            return .like(left, try pattern(members["pattern"] ?? json))
        case "is":
            let members = try members(of: json, "`is`", required: ["left", "entity_type"], optional: ["in"])
            let left = try expression(members["left"] ?? json)
            let type = try name(members["entity_type"] ?? json)
            return .is(left, type, in: try members["in"].map { (json) throws(Diagnostic) in try expression(json) })
        case "if-then-else":
            let members = try members(of: json, "`if-then-else`", required: ["if", "then", "else"])
            return .conditional(
                try expression(members["if"] ?? json), then: try expression(members["then"] ?? json),
                otherwise: try expression(members["else"] ?? json))
        case "Set": return .set(try list(json))
        case "Record": return .record(try fields(json))
        default:
            if let binary = BinaryOperator(rawValue: tag) {
                let (left, right) = try operands(json)
                return .binary(binary, left, right)
            }
            guard let function = ExtensionFunction(rawValue: tag) else {
                throw error("`\(CedarString(tag).literal.dropFirst().dropLast())` is not a known operation", at: json)
            }
            return .call(function, try list(json))
        }
    }

    private mutating func operand(_ json: JSONValue) throws(Diagnostic) -> Expression {
        try expression(try members(of: json, "an operation", required: ["arg"])["arg"] ?? json)
    }

    private mutating func operands(_ json: JSONValue) throws(Diagnostic) -> (Expression, Expression) {
        let members = try members(of: json, "an operation", required: ["left", "right"])
        return (try expression(members["left"] ?? json), try expression(members["right"] ?? json))
    }

    private mutating func attribute(_ json: JSONValue) throws(Diagnostic) -> (Expression, CedarString) {
        let members = try members(of: json, "an operation", required: ["left", "attr"])
        return (try expression(members["left"] ?? json), try string(members["attr"] ?? json))
    }

    private mutating func list(_ json: JSONValue) throws(Diagnostic) -> [Expression] {
        var expressions: [Expression] = []
        for element in try array(json) { expressions.append(try expression(element)) }
        return expressions
    }

    private mutating func fields(_ json: JSONValue) throws(Diagnostic) -> [Expression.Field] {
        guard case .object(let members) = json.kind else {
            throw error("expected an object of attributes, found \(json.kindName)", at: json)
        }
        var fields: [Expression.Field] = []
        for member in members {
            let name = CedarString(String(decoding: member.key, as: UTF8.self))
            fields.append(Expression.Field(name: name, value: try expression(member.value)))
        }
        return fields
    }

    private func pattern(_ json: JSONValue) throws(Diagnostic) -> Pattern {
        var elements: [Pattern.Element] = []
        for part in try array(json) {
            if case .string = part.kind, try string(part) == "Wildcard" {
                elements.append(.wildcard)
            } else {
                let members = try members(of: part, "a part of a pattern", required: ["Literal"])
                let text = try string(members["Literal"] ?? part)
                elements.append(contentsOf: text.string.unicodeScalars.map(Pattern.Element.character))
            }
        }
        return Pattern(elements)
    }

    // MARK: Parts

    private func error(_ message: String, at json: JSONValue) -> Diagnostic {
        values.error(message, at: json)
    }

    /// Does `body`, whose errors are about `json`.
    private func at(_ json: JSONValue, _ body: () throws(Diagnostic) -> Void) throws(Diagnostic) {
        do throws(Diagnostic) { try body() } catch { throw self.error(error.message, at: json) }
    }

    /// The members of an object that has all the required ones and none but those named.
    private func members(
        of json: JSONValue, _ what: String, required: [String], optional: [String] = []
    ) throws(Diagnostic) -> [String: JSONValue] {
        guard case .object(let written) = json.kind else {
            throw error("expected \(what), an object, found \(json.kindName)", at: json)
        }
        var members: [String: JSONValue] = [:]
        for member in written {
            let key = String(decoding: member.key, as: UTF8.self)
            guard required.contains(key) || optional.contains(key) else {
                throw error(
                    "\(what) has an unknown member `\(CedarString(key).literal.dropFirst().dropLast())`", at: json)
            }
            members[key] = member.value
        }
        for key in required where members[key] == nil {
            throw error("\(what) is missing `\(key)`", at: json)
        }
        return members
    }

    private func array(_ json: JSONValue) throws(Diagnostic) -> [JSONValue] {
        guard case .array(let elements) = json.kind else {
            throw error("expected an array, found \(json.kindName)", at: json)
        }
        return elements
    }

    private func string(_ json: JSONValue) throws(Diagnostic) -> CedarString {
        guard case .string(let bytes) = json.kind else {
            throw error("expected a string, found \(json.kindName)", at: json)
        }
        return CedarString(String(decoding: bytes, as: UTF8.self))
    }

    private func name(_ json: JSONValue) throws(Diagnostic) -> Name {
        let text = try string(json)
        guard let name = Name(text.string) else {
            throw error("`\(text.literal.dropFirst().dropLast())` is not the name of an entity type", at: json)
        }
        return name
    }
}
