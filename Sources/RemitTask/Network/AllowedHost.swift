// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork

/// The argument of `remit run --allow-host HOST[:PORT]`.
package enum AllowedHost {
    /// Why an argument was refused: one clause that begins with the offending text.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// The clause.
        package let description: String
    }

    /// Reads `api.example.com`, `*.example.com:8443`, `192.0.2.1`, `10.0.0.0/8:5432`, `[2001:db8::1]:443`.
    ///
    /// Port 443 is meant where none is given; at port 80 HTTP is spoken without TLS.
    ///
    /// - Throws: ``Refusal`` when it is no host, or the port is none.
    package static func parse(_ text: String) throws(Refusal) -> NetworkEntry {
        func refuse(_ problem: String) -> Refusal { Refusal(description: "`\(Excerpt.of(text))` \(problem)") }
        var host = text[...]
        var port: UInt16?
        // Of an address of version 6 without brackets no colon begins a port.
        let isBare = text.utf8.count { $0 == UInt8(ascii: ":") } > 1 && !text.hasPrefix("[")
        if !isBare, let colon = text.lastIndex(of: ":"), colon >= text.lastIndex(of: "]") ?? text.startIndex {
            host = text[..<colon]
            guard let number = Authority.port(text[text.index(after: colon)...].utf8) else {
                throw refuse("has a port that is not a number from 1 to 65535")
            }
            port = number
        }
        do throws(HostNameError) {
            let pattern = try HostPattern(String(host))
            return .rule(NetworkRule(host: pattern, ports: port.map { [$0] }, clearText: port == 80))
        } catch {
            throw refuse("\(error)")
        }
    }
}
