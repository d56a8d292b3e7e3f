// SPDX-License-Identifier: Apache-2.0
// What the task asks for, cut down to what the operator allows: nothing beyond is left out silently.

/// The privileges one lease gets.
struct GrantPlan {
    /// One privilege on one table.
    struct Item {
        let schema: String
        let table: String
        let privilege: Privilege
        /// Nil for all columns.
        let columns: [String]?
    }

    let items: [Item]
    let roles: [String]

    /// - Throws: ``Failure`` naming what the operator does not allow, or a scope that says nothing.
    init(scope: [String: Words], settings: Settings) throws(Failure) {
        let known = ["tables", "privileges", "roles"]
        if let unknown = scope.keys.filter({ !known.contains($0) }).min() {
            throw Failure(.permanent, "the scope has no `\(unknown.prefix(60))`; it has tables, privileges and roles")
        }
        let tables = Self.unique(scope["tables"]?.words ?? [])
        let roles = Self.unique(scope["roles"]?.words ?? [])
        var privileges: [Privilege] = []
        for name in Self.unique(scope["privileges"]?.words ?? []) {
            let privilege = try Privilege(name: name)
            if !privileges.contains(privilege) { privileges.append(privilege) }
        }
        guard tables.isEmpty == privileges.isEmpty else {
            throw Failure(.permanent, "the scope needs both tables and privileges")
        }
        guard !tables.isEmpty || !roles.isEmpty else {
            throw Failure(.permanent, "the scope asks for no tables and no roles")
        }
        guard tables.count * privileges.count <= 1000 else { throw Failure(.permanent, "the scope is too long") }
        for role in roles where !settings.roles.contains(role) {
            throw Failure(.permanent, "membership in `\(role.prefix(70))` is not allowed")
        }
        var items: [Item] = []
        for table in tables {
            let (schema, name) = try Self.place(table, settings.grants)
            for privilege in privileges { items.append(try Self.item(schema, name, privilege, settings.grants)) }
        }
        // Always in one order, so that two leases do not wait for each other.
        self.items = items.sorted {
            ($0.schema, $0.table, $0.privilege.rawValue) < ($1.schema, $1.table, $1.privilege.rawValue)
        }
        self.roles = roles.sorted()
    }

    var schemas: [String] { Set(items.map(\.schema)).sorted() }

    /// Finds a table by its name, or by `schema.table`, only among the operator's: a task's text is never parsed.
    private static func place(_ table: String, _ grants: [Settings.Grant]) throws(Failure) -> (String, String) {
        var places: [(String, String)] = []
        for grant in grants {
            for name in grant.tables where table == name || table == grant.schema + "." + name {
                if !places.contains(where: { $0 == (grant.schema, name) }) { places.append((grant.schema, name)) }
            }
        }
        guard let place = places.first else { throw Failure(.permanent, "table `\(table.prefix(140))` is not allowed") }
        guard places.count == 1 else {
            throw Failure(.permanent, "table `\(table.prefix(140))` is in several schemas; write `schema.table`")
        }
        return place
    }

    private static func item(
        _ schema: String,
        _ table: String,
        _ privilege: Privilege,
        _ grants: [Settings.Grant]
    ) throws(Failure) -> Item {
        let matching = grants.filter {
            $0.schema == schema && $0.tables.contains(table) && $0.privileges.contains(privilege)
        }
        guard !matching.isEmpty else {
            throw Failure(.permanent, "`\(privilege.rawValue)` on `\(schema).\(table)` is not allowed")
        }
        let isWhole = matching.contains { $0.columns == nil }
        let columns = isWhole ? nil : unique(matching.flatMap { $0.columns ?? [] })
        return Item(schema: schema, table: table, privilege: privilege, columns: columns)
    }

    private static func unique(_ words: [String]) -> [String] {
        var seen: Set<String> = []
        return words.filter { seen.insert($0).inserted }
    }
}
