// SPDX-License-Identifier: Apache-2.0
// Dropping a role does not end its sessions, and one that did SET ROLE goes on reading with the other role's rights.
// So: nobody new, then nobody left, then nothing owned, then no role.

extension Call {
    func revoke() throws(Failure) -> Reply {
        let handle = try Handle(request.handle)
        let database = try connect()
        // Before waiting for anything: what the agent could do to make us wait, it does in a session.
        if let role = try LeaseRole.find(handle, database) { try shut(role, handle, database) }
        try fence(handle, database)
        guard let role = try LeaseRole.find(handle, database) else { return .revoked }
        try shut(role, handle, database)
        try disown(role, handle, database)
        let name = try database.identifier(handle.name)
        try database.transaction { () throws(Failure) in try database.run("DROP ROLE IF EXISTS \(name)") }
        // A session that was past its password but not yet listed when the first look was taken is listed by now.
        try cut(role, database)
        return .revoked
    }

    /// Waits for an issue of the same name that has not ended: a second role of that name cannot be made before.
    ///
    /// An advisory lock would serve as well, but the agent could take it, and hold up its own revocation with it.
    private func fence(_ handle: Handle, _ database: Database) throws(Failure) {
        let name = try database.identifier(handle.name)
        try database.run("BEGIN")
        do {
            try database.run("CREATE ROLE \(name) NOLOGIN")
        } catch  where error.state == "42710" || error.state == "23505" {
            // It exists: whoever made it has committed.
        }
        try database.run("ROLLBACK")
    }

    /// No new sessions, and none left.
    private func shut(_ role: LeaseRole, _ handle: Handle, _ database: Database) throws(Failure) {
        let name = try database.identifier(handle.name)
        if role.mayLogIn {
            try database.transaction { () throws(Failure) in try database.run("ALTER ROLE \(name) NOLOGIN") }
        }
        // Ending the sessions of a role and dropping what it owns takes a member of it, or a superuser.
        let query = "SELECT pg_has_role(current_user, $1::oid, 'USAGE')"
        if try database.run(query, [role.identifier]).first?.first != "t" {
            try database.transaction { () throws(Failure) in try database.run("GRANT \(name) TO CURRENT_USER") }
        }
        try cut(role, database)
    }

    /// Ends the role's sessions; SET ROLE does not change whose they are.
    private func cut(_ role: LeaseRole, _ database: Database) throws(Failure) {
        for _ in 0..<100 {
            let query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = $1::oid"
            if try database.run(query, [role.identifier]).isEmpty { return }
            try database.pause(.milliseconds(20))
            // Within a statement the list of sessions does not change, nor within a transaction.
            try database.run("SELECT pg_stat_clear_snapshot()")
        }
        throw Failure(.transient, "its sessions do not end")
    }

    /// Takes away what the role owns and what was granted to it, in every database.
    private func disown(_ role: LeaseRole, _ handle: Handle, _ database: Database) throws(Failure) {
        try rollBackPrepared(handle, database)
        try dropOwned(handle, database)
        let query = """
            SELECT DISTINCT d.datname FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
            WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1::oid AND d.datname <> current_database()
            """
        for row in try database.run(query, [role.identifier]) {
            guard let name = row[0] else { continue }
            do {
                let other = try connect(to: name)
                try rollBackPrepared(handle, other)
                try dropOwned(handle, other)
            } catch {
                throw Failure(
                    error.kind, "it owns something in database `\(name)`: \(error.message)", state: error.state)
            }
        }
    }

    private func dropOwned(_ handle: Handle, _ database: Database) throws(Failure) {
        let name = try database.identifier(handle.name)
        do {
            try database.transaction { () throws(Failure) in try database.run("DROP OWNED BY \(name)") }
        } catch  where error.isDependency {
            // Others built on what it made. Dropping theirs is not ours to do, and the role must go.
            try database.transaction { () throws(Failure) in
                try database.run("REASSIGN OWNED BY \(name) TO CURRENT_USER")
                try database.run("DROP OWNED BY \(name)")
            }
        }
    }

    /// A prepared transaction outlives its session, with its locks.
    private func rollBackPrepared(_ handle: Handle, _ database: Database) throws(Failure) {
        let query = "SELECT gid FROM pg_prepared_xacts WHERE owner = $1 AND database = current_database()"
        for row in try database.run(query, [handle.name]) {
            guard let identifier = row[0] else { continue }
            try database.run("ROLLBACK PREPARED \(try database.literal(identifier))")
        }
    }
}
