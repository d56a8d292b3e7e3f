// SPDX-License-Identifier: Apache-2.0

internal import CPostgres
internal import Glibc

/// What the agent gets.
enum Credential {
    /// 256 bits from getrandom(2) as 43 characters of base64url, RFC 4648 §5.
    static func password() throws(Failure) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        guard unsafe getrandom(&bytes, bytes.count, 0) == bytes.count else {
            throw Failure(.transient, "the kernel has no randomness")
        }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var (bits, count) = (0, 0)
        for byte in bytes {
            (bits, count) = (bits << 8 | Int(byte), count + 8)
            while count >= 6 {
                count -= 6
                text.append(alphabet[bits >> count & 63])
            }
            bits &= (1 << count) - 1
        }
        if count > 0 { text.append(alphabet[bits << (6 - count) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// `postgresql://role:password@/database?host=…&port=…`, see "Connection URIs" in PostgreSQL's manual.
    static func uri(role: String, password: String, client: Settings.ClientConnection, database: Database) -> String {
        let name = client.dbname ?? database.name ?? "postgres"
        var parameters: [(String, String)] = []
        if let host = client.host ?? database.host { parameters.append(("host", host)) }
        if let port = client.port.map(String.init) ?? database.port { parameters.append(("port", port)) }
        if let mode = client.sslmode { parameters.append(("sslmode", mode)) }
        let query = parameters.map { "\($0.0)=\(encoded($0.1))" }.joined(separator: "&")
        return "postgresql://\(encoded(role)):\(encoded(password))@/\(encoded(name))"
            + (query.isEmpty ? "" : "?\(query)")
    }

    /// RFC 3986 §2.3: everything but the unreserved characters as percent and two hexadecimal digits.
    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
