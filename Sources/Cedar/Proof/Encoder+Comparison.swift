// SPDX-License-Identifier: Apache-2.0

extension Encoder {
    /// Whether two values are equal.
    mutating func equal(_ left: Symbolic, _ right: Symbolic) throws(Unencodable) -> String {
        switch (left, right) {
        case (.bool(let left), .bool(let right)), (.int(let left), .int(let right)),
            (.string(let left), .string(let right)):
            return SMT.equal(left, right)
        case (.entity(let leftType, let left), .entity(let rightType, let right)):
            return leftType == rightType ? SMT.equal(left, right) : "false"
        case (.ip(let left0, let left1, let left2), .ip(let right0, let right1, let right2)):
            return SMT.and([SMT.equal(left0, right0), SMT.equal(left1, right1), SMT.equal(left2, right2)])
        case (.set(let left), .set(let right)):
            return SMT.and([try isSubset(left, of: right), try isSubset(right, of: left)])
        case (.record, _), (.stored, _):
            return try equalRecords(left, right)
        default: return "false"
        }
    }

    private mutating func equalRecords(_ left: Symbolic, _ right: Symbolic) throws(Unencodable) -> String {
        guard let leftNames = left.fieldNames, let rightNames = right.fieldNames else { return "false" }
        var terms: [String] = []
        for name in leftNames.union(rightNames).sorted() {
            let leftField = field(name, of: left)
            let rightField = field(name, of: right)
            let isPresent = (leftField?.isPresent ?? "false", rightField?.isPresent ?? "false")
            terms.append(SMT.equal(isPresent.0, isPresent.1))
            if let leftField, let rightField {
                terms.append(SMT.implies(isPresent.0, try equal(leftField.value, rightField.value)))
            }
        }
        return script.define(SMT.and(terms))
    }

    /// The one or the other value.
    mutating func either(
        _ condition: String, _ left: Symbolic, _ right: Symbolic
    ) throws(Unencodable) -> Symbolic {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): return .bool(script.define(SMT.ite(condition, left, right)))
        case (.int(let left), .int(let right)): return .int(script.define(SMT.ite(condition, left, right), .int))
        case (.string(let left), .string(let right)):
            return .string(script.define(SMT.ite(condition, left, right), .string))
        case (.entity(let type, let left), .entity(_, let right)):
            let term = script.define(SMT.ite(condition, left, right), .int)
            noteEntity(type, term)
            return .entity(type, term)
        case (.ip(let left0, let left1, let left2), .ip(let right0, let right1, let right2)):
            return .ip(
                script.define(SMT.ite(condition, left0, right0)),
                script.define(SMT.ite(condition, left1, right1), .bits),
                script.define(SMT.ite(condition, left2, right2), .bits))
        case (.set(let left), .set(let right)): return .set(.either(condition, left, right))
        default:
            guard let names = left.fieldNames, let others = right.fieldNames else {
                throw Unencodable("a choice between values of different types")
            }
            var fields: [CedarString: Symbolic.Field] = [:]
            for name in names.union(others).sorted() {
                guard let left = field(name, of: left), let right = field(name, of: right) else {
                    throw Unencodable("a choice between records of different attributes")
                }
                fields[name] = Symbolic.Field(
                    isPresent: script.define(SMT.ite(condition, left.isPresent, right.isPresent)),
                    value: try either(condition, left.value, right.value))
            }
            return .record(fields)
        }
    }
}

extension Symbolic {
    /// The names of the attributes that a record may have; nil for what is no record.
    var fieldNames: Set<CedarString>? {
        switch self {
        case .record(let fields): Set(fields.keys)
        case .stored(let record): Set(record.type.attributes.keys)
        default: nil
        }
    }
}
