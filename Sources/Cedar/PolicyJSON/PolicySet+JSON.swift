// SPDX-License-Identifier: Apache-2.0

extension PolicySet {
    /// Reads a set of policies from JSON, `{"staticPolicies": {…}, "templates": {…}, "templateLinks": […]}`.
    ///
    /// - Throws: the first error, with its place.
    public init(json text: String, limits: SyntaxLimits = SyntaxLimits()) throws(Diagnostic) {
        try self.init(json: SourceText(text), limits: limits)
    }

    /// Reads a set of policies from JSON, `{"staticPolicies": {…}, "templates": {…}, "templateLinks": […]}`.
    ///
    /// - Throws: the first error, with its place.
    public init(json source: SourceText, limits: SyntaxLimits = SyntaxLimits()) throws(Diagnostic) {
        let json = try JSONReader.read(source, limits: PolicyJSONReader.jsonLimits(limits))
        try self.init(json, in: source, limits: limits)
    }

    /// Reads a set of policies from a JSON value that was read from `source`.
    ///
    /// - Throws: the first error, with its place.
    public init(
        _ json: JSONValue, in source: SourceText, limits: SyntaxLimits = SyntaxLimits()
    ) throws(Diagnostic) {
        var reader = PolicyJSONReader(source, limits: limits)
        self = try reader.policySet(json)
    }

    /// The set as JSON, `{"staticPolicies": {…}, "templates": {…}, "templateLinks": […]}`.
    ///
    /// - Throws: where a condition is too deep for JSON, which has no flat `&&` and `||`.
    public func json() throws(Diagnostic) -> JSONValue {
        var statics: [JSONMember] = []
        var links: [JSONValue] = []
        for policy in policies {
            guard let templateID = policy.templateID else {
                statics.append(JSONMember(key: Array(policy.id.utf8), value: try policy.template.json()))
                continue
            }
            let values = policy.values.sorted { $0.key < $1.key }.map { ($0.key.rawValue, JSONValue.entity($0.value)) }
            links.append(
                .object([
                    ("templateId", .string(templateID)), ("newId", .string(policy.id)), ("values", .object(values)),
                ]))
        }
        var templates: [JSONMember] = []
        for template in self.templates {
            templates.append(JSONMember(key: Array(template.id.utf8), value: try template.template.json()))
        }
        return .object([
            ("staticPolicies", JSONValue(.object(statics))), ("templates", JSONValue(.object(templates))),
            ("templateLinks", .array(links)),
        ])
    }
}

extension Template {
    /// Reads one policy or template from JSON.
    ///
    /// - Throws: the first error, with its place.
    public convenience init(json source: SourceText, limits: SyntaxLimits = SyntaxLimits()) throws(Diagnostic) {
        let json = try JSONReader.read(source, limits: PolicyJSONReader.jsonLimits(limits))
        var reader = PolicyJSONReader(source, limits: limits)
        let template = try reader.policy(json)
        self.init(
            annotations: template.annotations, effect: template.effect, scope: template.scope,
            conditions: template.conditions)
    }

    /// The policy or template as JSON.
    ///
    /// - Throws: where a condition is too deep for JSON, which has no flat `&&` and `||`.
    public func json(limits: SyntaxLimits = SyntaxLimits()) throws(Diagnostic) -> JSONValue {
        try PolicyJSONWriter(limits: limits).policy(self)
    }
}
