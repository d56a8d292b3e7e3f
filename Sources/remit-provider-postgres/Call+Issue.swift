// SPDX-License-Identifier: Apache-2.0

extension Call {
    /// Makes the role and everything it may do in one transaction, so that a call killed at any moment leaves all of
    /// it or nothing. The role comes first: whoever revokes it waits at its name until this transaction has ended.
    func issue() throws(Failure) -> Reply {
        let handle = try Handle(request.handle)
        let plan = try GrantPlan(scope: request.scope ?? [:], settings: request.settings)
        let expiry = try expiry()
        let database = try connect()
        let password = try Credential.password()
        let verifier = try database.verifier(of: password, for: handle.name)
        let role = try database.identifier(handle.name)
        let create = """
            CREATE ROLE \(role) NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS LOGIN
            CONNECTION LIMIT \(request.settings.connectionLimit)
            PASSWORD \(try database.literal(verifier)) VALID UNTIL \(try database.literal(expiry))
            """
        try database.transaction { () throws(Failure) in
            try database.run(create)
            try database.run("COMMENT ON ROLE \(role) IS \(try database.literal(comment))")
            try grantDatabase(handle, role, database)
            for schema in plan.schemas {
                try database.run("GRANT USAGE ON SCHEMA \(try database.identifier(schema)) TO \(role)")
            }
            for item in plan.items { try grant(item, handle, role, database) }
            for group in plan.roles { try database.run("GRANT \(try database.identifier(group)) TO \(role)") }
        }
        let uri = Credential.uri(
            role: handle.name, password: password, client: request.settings.clientConnection, database: database
        )
        return .issued(content: uri, expiresAt: expiry, describe: describe(plan, handle, database))
    }

    private var comment: String {
        let facts = [("session", request.session), ("task", request.task), ("owner", request.owner)]
        return Handle.mark + facts.map { " \($0.0)=\($0.1.prefix(200))" }.joined()
    }

    /// Usually everybody may connect; where the operator took that away, the lease gets it.
    private func grantDatabase(_ handle: Handle, _ role: String, _ database: Database) throws(Failure) {
        let check = "SELECT has_database_privilege($1, current_database(), 'CONNECT')"
        if try isTrue(check, [handle.name], database) { return }
        let name = try database.identifier(database.name ?? "")
        try database.run("GRANT CONNECT ON DATABASE \(name) TO \(role)")
        if try isTrue(check, [handle.name], database) { return }
        throw Failure(.permanent, "the operator's role may not let others connect to \(name)")
    }

    private func grant(
        _ item: GrantPlan.Item,
        _ handle: Handle,
        _ role: String,
        _ database: Database
    ) throws(Failure) {
        let table = "\(try database.identifier(item.schema)).\(try database.identifier(item.table))"
        let privilege = item.privilege.rawValue
        var columns = ""
        if let names = item.columns {
            var quoted: [String] = []
            for name in names { quoted.append(try database.identifier(name)) }
            columns = " (\(quoted.joined(separator: ", ")))"
        }
        try database.run("GRANT \(privilege)\(columns) ON TABLE \(table) TO \(role)")
        // Without the right to grant, GRANT only warns and says that it succeeded.
        let isGranted: Bool
        if let names = item.columns {
            var all = true
            for name in names {
                let check = "SELECT has_column_privilege($1, $2, $3, $4)"
                all = try isTrue(check, [handle.name, table, name, privilege], database) && all
            }
            isGranted = all
        } else {
            isGranted = try isTrue("SELECT has_table_privilege($1, $2, $3)", [handle.name, table, privilege], database)
        }
        guard isGranted else {
            throw Failure(.permanent, "the operator's role may not grant `\(privilege)` on \(table)", state: "42501")
        }
    }

    private func isTrue(_ query: String, _ parameters: [String], _ database: Database) throws(Failure) -> Bool {
        try database.run(query, parameters).first?.first == "t"
    }

    private func describe(_ plan: GrantPlan, _ handle: Handle, _ database: Database) -> [String: String] {
        var facts = ["role": handle.name, "database": database.name ?? ""]
        let grants = plan.items.map { item in
            let columns = item.columns.map { " (\($0.joined(separator: ", ")))" } ?? ""
            return "\(item.privilege.rawValue)\(columns) on \(item.schema).\(item.table)"
        }
        if !grants.isEmpty { facts["grants"] = grants.joined(separator: "; ") }
        if !plan.roles.isEmpty { facts["roles"] = plan.roles.joined(separator: ", ") }
        return facts
    }
}
