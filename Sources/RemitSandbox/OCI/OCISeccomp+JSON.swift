// SPDX-License-Identifier: Apache-2.0
// Reading somebody else's file strictly: a member that is not understood could be a restriction.

package import RemitJournal
internal import RemitTask

extension OCISeccomp {
    /// Reads a policy.
    ///
    /// - Throws: ``OCIError`` where a member is missing, unknown, of another type, or no value of its kind.
    package init(_ json: JSONValue) throws(OCIError) {
        let top = try Members(json, "")
        // The whole specification of a container is understood as well.
        if top.members["ociVersion"] != nil || top.members["linux"] != nil {
            guard let inner = top.members["linux"]?["seccomp"] else {
                throw OCIError(path: "linux.seccomp", reason: "is missing: the container has no system-call policy")
            }
            self = try Self.read(try Members(inner, "linux.seccomp"))
            return
        }
        self = try Self.read(top)
    }

    private static func read(_ top: Members) throws(OCIError) -> OCISeccomp {
        try top.only([
            "defaultAction", "defaultErrnoRet", "architectures", "archMap", "flags", "listenerPath",
            "listenerMetadata", "syscalls", "comment",
        ])
        guard let action = try top.word("defaultAction", Action.init(rawValue:)) else {
            throw OCIError(path: top.path("defaultAction"), reason: "is missing")
        }
        var policy = OCISeccomp(defaultAction: action)
        policy.defaultError = try top.errorNumber("defaultErrnoRet")
        policy.architectures = try top.texts("architectures")
        for item in try top.objects("archMap") {
            try item.only(["architecture", "subArchitectures"])
            policy.architectures += try item.text("architecture").map { [$0] } ?? []
            policy.architectures += try item.texts("subArchitectures")
        }
        policy.flags = try top.texts("flags")
        policy.hasListener = try top.text("listenerPath") ?? "" != ""
        for item in try top.objects("syscalls") { policy.rules.append(try rule(item)) }
        return policy
    }

    private static func rule(_ item: Members) throws(OCIError) -> Rule {
        try item.only([
            "names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes",
        ])
        // Docker's first files had one name a rule.
        let names = try item.texts("names") + (try item.text("name").map { $0.isEmpty ? [] : [$0] } ?? [])
        guard !names.isEmpty else { throw OCIError(path: item.path, reason: "names no system call") }
        guard let action = try item.word("action", Action.init(rawValue:)) else {
            throw OCIError(path: item.path("action"), reason: "is missing")
        }
        var rule = Rule(names: names, action: action)
        rule.error = try item.errorNumber("errnoRet")
        if let name = try item.text("errno"), rule.error == nil { rule.error = ErrorName.code(name).map(Int.init) }
        for argument in try item.objects("args") {
            try argument.only(["index", "value", "valueTwo", "op"])
            guard let comparison = try argument.word("op", Comparison.init(rawValue:)) else {
                throw OCIError(path: argument.path("op"), reason: "is missing")
            }
            guard let index = try argument.number("index"), index < 6 else {
                throw OCIError(path: argument.path("index"), reason: "is not 0 to 5")
            }
            guard let value = try argument.number("value") else {
                throw OCIError(path: argument.path("value"), reason: "is missing")
            }
            rule.arguments.append(
                Argument(
                    index: Int(index), value: value, valueTwo: try argument.number("valueTwo") ?? 0,
                    comparison: comparison))
        }
        rule.includes = try condition(item, "includes")
        rule.excludes = try condition(item, "excludes")
        return rule
    }

    private static func condition(_ item: Members, _ name: String) throws(OCIError) -> Condition {
        guard let value = item.members[name], value != .null else { return Condition() }
        let members = try Members(value, item.path(name))
        try members.only(["caps", "arches", "minKernel"])
        let kernel = try members.text("minKernel")
        if let kernel, KernelVersion(kernel) == nil {
            throw OCIError(path: members.path("minKernel"), reason: "is no version: `\(Excerpt.of(kernel))`")
        }
        return Condition(
            capabilities: try members.texts("caps"), architectures: try members.texts("arches"), minimumKernel: kernel)
    }
}

/// The first two numbers of a kernel's version.
struct KernelVersion: Comparable {
    let major: Int
    let minor: Int

    /// - Parameter text: such as `4.8` or `6.18.44-fc`; `nil` when it does not start with two numbers.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).prefix(2)
        let numbers = parts.map { part in part.prefix { ("0"..."9").contains($0) } }
        guard numbers.count == 2, let major = Int(numbers[0]), let minor = Int(numbers[1]) else { return nil }
        (self.major, self.minor) = (major, minor)
    }

    static func < (left: KernelVersion, right: KernelVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

/// An object and its place.
private struct Members {
    let members: [String: JSONValue]
    let path: String

    init(_ value: JSONValue, _ path: String) throws(OCIError) {
        guard let members = value.members else {
            throw OCIError(path: path, reason: path.isEmpty ? "the file is no JSON object" : "is \(value.kind), not an object")
        }
        self.members = members
        self.path = path
    }

    func path(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    func only(_ known: [String]) throws(OCIError) {
        for name in members.keys.sorted() where !known.contains(name) {
            throw OCIError(
                path: path(Excerpt.of(name)), reason: "is no member of this\(Spelling.ending(for: name, among: known))")
        }
    }

    private func refuse(_ name: String, _ value: JSONValue, _ wanted: String) -> OCIError {
        OCIError(path: path(name), reason: "is \(value.kind), not \(wanted)")
    }

    func text(_ name: String) throws(OCIError) -> String? {
        guard let value = members[name], value != .null else { return nil }
        guard let text = value.text else { throw refuse(name, value, "a string") }
        return text
    }

    func texts(_ name: String) throws(OCIError) -> [String] {
        guard let value = members[name], value != .null else { return [] }
        guard let elements = value.elements else { throw refuse(name, value, "an array of strings") }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard let text = element.text else { throw refuse("\(name)[\(index)]", element, "a string") }
            texts.append(text)
        }
        return texts
    }

    func objects(_ name: String) throws(OCIError) -> [Members] {
        guard let value = members[name], value != .null else { return [] }
        guard let elements = value.elements else { throw refuse(name, value, "an array of objects") }
        var objects: [Members] = []
        for (index, element) in elements.enumerated() {
            objects.append(try Members(element, path("\(name)[\(index)]")))
        }
        return objects
    }

    /// A number that is not negative.
    func number(_ name: String) throws(OCIError) -> UInt64? {
        guard let value = members[name], value != .null else { return nil }
        guard let number = value.number else { throw refuse(name, value, "a number") }
        guard let result = UInt64(exactly: number) else { throw OCIError(path: path(name), reason: "is negative") }
        return result
    }

    func errorNumber(_ name: String) throws(OCIError) -> Int? {
        guard let number = try number(name) else { return nil }
        guard number <= 4095 else { throw OCIError(path: path(name), reason: "is no error number") }
        return Int(number)
    }

    func word<Word>(_ name: String, _ read: (String) -> Word?) throws(OCIError) -> Word? {
        guard let text = try text(name) else { return nil }
        guard let word = read(text) else {
            throw OCIError(path: path(name), reason: "is `\(Excerpt.of(text))`, which is not known")
        }
        return word
    }
}
