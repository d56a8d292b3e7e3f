// SPDX-License-Identifier: Apache-2.0

/// What the operator allows and where; everything a task can get is within it.
struct Settings: Decodable {
    /// libpq's connection string of the operator's role, which may create roles.
    let connection: String
    let grants: [Grant]
    /// Roles that a lease may be made a member of.
    let roles: [String]
    let clientConnection: ClientConnection
    /// How many sessions one lease may have open.
    let connectionLimit: Int

    /// Privileges on tables of one schema.
    struct Grant: Decodable {
        let schema: String
        let tables: [String]
        let privileges: [Privilege]
        /// Only these columns; nil for all.
        let columns: [String]?

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case schema, tables, privileges, columns
        }

        init(from decoder: any Decoder) throws {
            try decoder.refuseKeys(besides: CodingKeys.allCases)
            let container = try decoder.container(keyedBy: CodingKeys.self)
            schema = try container.decode(String.self, forKey: .schema)
            tables = try container.decode(Words.self, forKey: .tables).words
            privileges = try container.decode(Words.self, forKey: .privileges).words.map(Privilege.init(name:))
            columns = try container.decodeIfPresent(Words.self, forKey: .columns)?.words
            for privilege in privileges where columns != nil && !privilege.hasColumns {
                throw Failure(.permanent, "`\(privilege.rawValue)` on `\(schema)` cannot be limited to columns")
            }
        }
    }

    /// How the agent reaches the server; what is missing is as in `connection`.
    struct ClientConnection: Decodable {
        /// A name, an address, or the folder of the server's socket as the sandbox sees it.
        var host: String?
        var port: Int?
        var dbname: String?
        var sslmode: String?

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case host, port, dbname, sslmode
        }

        init() {}

        init(from decoder: any Decoder) throws {
            try decoder.refuseKeys(besides: CodingKeys.allCases)
            let container = try decoder.container(keyedBy: CodingKeys.self)
            host = try container.decodeIfPresent(String.self, forKey: .host)
            port = try container.decodeIfPresent(Int.self, forKey: .port)
            dbname = try container.decodeIfPresent(String.self, forKey: .dbname)
            sslmode = try container.decodeIfPresent(String.self, forKey: .sslmode)
        }
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case connection, grants, roles, clientConnection, connectionLimit
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseKeys(besides: CodingKeys.allCases)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        connection = try container.decode(String.self, forKey: .connection)
        grants = try container.decodeIfPresent([Grant].self, forKey: .grants) ?? []
        roles = try container.decodeIfPresent(Words.self, forKey: .roles)?.words ?? []
        clientConnection = try container.decodeIfPresent(ClientConnection.self, forKey: .clientConnection) ?? .init()
        connectionLimit = try container.decodeIfPresent(Int.self, forKey: .connectionLimit) ?? 4
        guard (1...1000).contains(connectionLimit) else {
            throw Failure(.permanent, "`connectionLimit` is a number from 1 to 1000")
        }
    }
}

/// A privilege on a table; see GRANT in PostgreSQL's manual.
enum Privilege: String, CaseIterable {
    case select = "SELECT"
    case insert = "INSERT"
    case update = "UPDATE"
    case delete = "DELETE"
    case truncate = "TRUNCATE"
    case references = "REFERENCES"
    case trigger = "TRIGGER"

    /// - Throws: ``Failure`` for anything else, so that no text of a task ever becomes SQL.
    init(name: String) throws(Failure) {
        guard let known = Privilege(rawValue: name.uppercased()) else {
            throw Failure(.permanent, "`\(name.prefix(60))` is not a privilege on tables")
        }
        self = known
    }

    var hasColumns: Bool {
        switch self {
        case .select, .insert, .update, .references: true
        case .delete, .truncate, .trigger: false
        }
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    /// - Throws: ``Failure`` naming a key that is not known: a mistyped limit must not become no limit.
    fileprivate func refuseKeys(besides known: [some CodingKey]) throws {
        let names = Set(known.map(\.stringValue))
        let keys = try container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        guard let unknown = keys.filter({ !names.contains($0) }).min() else { return }
        throw Failure(.permanent, "the settings have an unknown key `\(unknown.prefix(60))`")
    }
}
