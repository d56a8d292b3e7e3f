// SPDX-License-Identifier: Apache-2.0

extension Call {
    /// Looks, on a connection of its own, for the role and for sessions of it.
    func probe() throws(Failure) -> Reply {
        let handle = try Handle(request.handle)
        let query = """
            SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
                OR EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1)
            """
        guard let answer = try connect().run(query, [handle.name]).first?.first ?? nil else {
            throw Failure(.transient, "the server gave no answer")
        }
        return .found(isGone: answer == "f")
    }

    /// The roles of ours whose names begin with the request's handle.
    func list() throws(Failure) -> Reply {
        let prefix = request.handle
        guard prefix.hasPrefix(Handle.prefix), Handle.isPlain(prefix.dropFirst(Handle.prefix.count)) else {
            throw Failure(.permanent, "`\(prefix.prefix(70))` is not the beginning of a lease's name")
        }
        let query = """
            SELECT rolname FROM pg_roles
            WHERE starts_with(rolname::text, $1) AND starts_with(shobj_description(oid, 'pg_authid'), $2)
            ORDER BY rolname
            """
        return .listed(try connect().run(query, [prefix, Handle.mark]).compactMap { $0[0] })
    }
}
