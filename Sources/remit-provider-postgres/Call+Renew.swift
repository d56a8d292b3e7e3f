// SPDX-License-Identifier: Apache-2.0

extension Call {
    func renew() throws(Failure) -> Reply {
        let handle = try Handle(request.handle)
        let expiry = try expiry()
        let database = try connect()
        // A role that may not log in any more is being revoked; prolonging it would change nothing but the record.
        guard let role = try LeaseRole.find(handle, database), role.mayLogIn else {
            throw Failure(.gone, "there is no role `\(handle.name)` that may log in")
        }
        let name = try database.identifier(handle.name)
        try database.transaction { () throws(Failure) in
            try database.run("ALTER ROLE \(name) VALID UNTIL \(try database.literal(expiry))")
        }
        return .renewed(expiresAt: expiry)
    }
}

/// A role of ours as the server knows it.
struct LeaseRole {
    let identifier: String
    let mayLogIn: Bool

    /// - Throws: ``Failure`` for a role that has such a name but not our mark: it is somebody else's.
    static func find(_ handle: Handle, _ database: Database) throws(Failure) -> LeaseRole? {
        let query = """
            SELECT oid, rolcanlogin, coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles WHERE rolname = $1
            """
        guard let row = try database.run(query, [handle.name]).first, let oid = row[0] else { return nil }
        guard row[2]?.hasPrefix(Handle.mark) == true else {
            throw Failure(.permanent, "role `\(handle.name)` is not one of Remit's leases")
        }
        return LeaseRole(identifier: oid, mayLogIn: row[1] == "t")
    }
}
