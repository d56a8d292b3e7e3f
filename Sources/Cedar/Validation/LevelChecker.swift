// SPDX-License-Identifier: Apache-2.0

/// Checks how many entities are looked up one through the other (RFC 76), so that whoever fetches entities knows when
/// there are enough.
///
/// Attributes, tags and ancestors of the request's own entities are of level 1, those of the entities these name of level
/// 2, and so on. An entity that the policy names by its id can't be looked up at any level.
struct LevelChecker {
    private let policy: LoweredPolicy
    private let checked: Typechecker
    private let limit: Int
    private(set) var issues: [Typechecker.Issue] = []

    /// A checker of a policy whose types were checked for one kind of request.
    init(_ checked: Typechecker, limit: Int) {
        policy = checked.policy
        self.checked = checked
        self.limit = limit
    }

    /// Checks what may be evaluated of the whole policy.
    mutating func check() {
        check(policy.root)
    }

    private mutating func check(_ index: Int) {
        guard checked.isReached[index] else { return }
        let node = policy.nodes[index]
        switch node.form {
        case .in(let entity, let other), .hasTag(let entity, let other), .getTag(let entity, let other):
            dereference(entity, at: node.span)
            check(other)
        case .is(let entity, _, let container?) where checked.isReached[container]:
            dereference(entity, at: node.span)
            check(container)
        case .attribute(let operand, _):
            if isEntity(operand) { dereference(operand, at: node.span) } else { check(operand) }
        case .has(let operand, let names):
            has(operand, names, at: node.span)
        default:
            for operand in node.form.operands { check(operand) }
        }
    }

    /// Each name of the path is looked up in what the names before it lead to.
    private mutating func has(_ operand: Int, _ names: [CedarString], at span: SourceSpan) {
        var type = checked.types[operand]
        var lookups = 0
        for name in names {
            guard let container = type else { break }
            if case .entity = container { lookups += 1 }
            type = checked.attribute(name, of: container)?.type
        }
        guard lookups > 0 else { return check(operand) }
        let path = isEntity(operand) ? [] : Array(names.reversed())
        dereference(operand, path, deeper: lookups - 1, at: span)
    }

    private mutating func dereference(
        _ index: Int, _ path: [CedarString] = [], deeper: Int = 0, at span: SourceSpan
    ) {
        let required = level(of: index, path) + deeper + 1
        if required > limit {
            let excess = "which exceeds the maximum allowed level (\(limit))"
            report(.levelExceeded, "this policy requires level \(required), \(excess)", at: span)
        }
    }

    /// How many lookups lead to the entity that an expression is, or that the attributes `path`, the last one first, of
    /// the record that it is lead to.
    private mutating func level(of index: Int, _ path: [CedarString]) -> Int {
        let node = policy.nodes[index]
        switch node.form {
        case .variable: return 0
        case .literal(.entity(let uid)):
            if uid != checked.environment.action { literalDereference(at: node.span) }
            return 0
        case .slot:
            literalDereference(at: node.span)
            return 0
        case .conditional(let test, let then, let otherwise):
            check(test)
            let levels = [then, otherwise].filter { checked.isReached[$0] }.map { level(of: $0, path) }
            return levels.max() ?? 0
        case .attribute(let operand, let name):
            if isEntity(operand) { return level(of: operand, path) + 1 }
            return level(of: operand, path + [name])
        case .getTag(let entity, let tag):
            let level = level(of: entity, path)
            check(tag)
            return level + 1
        case .record(let names, let values):
            var level = 0
            for (name, value) in zip(names, values) {
                if name == path.last { level = self.level(of: value, path.dropLast()) } else { check(value) }
            }
            return level
        default:
            for operand in node.form.operands { check(operand) }
            return 0
        }
    }

    private func isEntity(_ index: Int) -> Bool {
        if case .entity = checked.types[index] { true } else { false }
    }

    private mutating func literalDereference(at span: SourceSpan) {
        report(.literalDereference, "entity literals cannot be dereferenced at any level", at: span)
    }

    private mutating func report(_ rule: Finding.Rule, _ message: String, at span: SourceSpan) {
        issues.append(Typechecker.Issue(rule: rule, message: message, span: span))
    }
}
