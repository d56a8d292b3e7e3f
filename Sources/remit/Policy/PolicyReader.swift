// SPDX-License-Identifier: Apache-2.0

internal import Cedar

/// Makes policies, schemas and entities of what questions name, and remembers the last of each: a batch often asks many
/// questions about one set.
struct PolicyReader {
    private var policies: (material: PolicyMaterial, made: PolicySet)?
    private var schema: (material: PolicyMaterial, made: Schema)?
    /// With the schema they were read by, if any.
    private var entities: (material: PolicyMaterial, schema: PolicyMaterial?, made: Entities)?
    /// What was read last: where an error lies.
    private(set) var lastSource: SourceText?

    /// - Throws: `Diagnostic` with what is wrong, and where.
    mutating func policies(_ material: PolicyMaterial) throws(Diagnostic) -> PolicySet {
        if let policies, policies.material == material { return policies.made }
        lastSource = material.source
        let made =
            material.isJSON
            ? try PolicySet(material.json(), in: material.source) : try PolicySet(parsing: material.source)
        policies = (material, made)
        return made
    }

    /// - Throws: `Diagnostic` with what is wrong, and where.
    mutating func schema(_ material: PolicyMaterial) throws(Diagnostic) -> Schema {
        if let schema, schema.material == material { return schema.made }
        lastSource = material.source
        let made: Schema
        switch (material.isJSON, material.value) {
        case (true, let value?):
            made = try Schema(json: SourceText(JSONWriter.text(value), name: material.source.name))
        case (true, nil): made = try Schema(json: material.source)
        case (false, _): made = try Schema(parsing: material.source)
        }
        schema = (material, made)
        return made
    }

    /// Reads them by `schema`, which must be what was read last; without any, there are the actions of the schema.
    ///
    /// - Throws: `Diagnostic` with what is wrong, and where.
    mutating func entities(_ material: PolicyMaterial?, schema: Schema?) throws(Diagnostic) -> Entities {
        guard let material else { return try Entities(json: SourceText("[]"), schema: schema) }
        lastSource = material.source
        let schemaMaterial = schema == nil ? nil : self.schema?.material
        if let entities, entities.material == material, entities.schema == schemaMaterial { return entities.made }
        let made = try Entities(material.json(), in: material.source, schema: schema)
        entities = (material, schemaMaterial, made)
        return made
    }

    /// Policies in text form, laid out.
    ///
    /// - Throws: `Diagnostic` with what is wrong, and where.
    mutating func formatted(_ material: PolicyMaterial) throws(Diagnostic) -> String {
        lastSource = material.source
        return try PolicyFormatter.format(material.source)
    }
}
