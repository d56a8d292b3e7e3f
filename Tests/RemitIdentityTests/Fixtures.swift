// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitIdentity
import RemitKernel

/// Two clocks that tests move separately.
final class Clocks {
    var wall = WallInstant(nanoseconds: 1_795_000_000_500_000_000)
    var boot = BootInstant(nanoseconds: 10_000_000_000)

    var clock: TokenClock { TokenClock(wall: { self.wall }, boot: { self.boot }) }

    func advance(wall seconds: Int64 = 0, boot bootSeconds: Int64? = nil) {
        wall = wall.advanced(by: .seconds(seconds))
        boot = boot.advanced(by: .seconds(bootSeconds ?? seconds))
    }
}

func identity(task: String = "fix-orders") throws -> SessionIdentity {
    try SessionIdentity(
        trustDomain: "example.org", session: "s1", task: task,
        context: IdentityContext(
            owner: "alice@example.com", intentDigest: String(repeating: "1", count: 64),
            taskDigest: String(repeating: "2", count: 64), ticket: "ORD-1", epoch: 3
        )
    )
}

func bytes(_ minted: MintedToken) -> [UInt8] { minted.token.withBytes { $0 } }

func base64URL(_ data: some DataProtocol) -> String {
    Data(data).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

/// The decoded JSON of the header (0) or the claims (1).
func decoded(_ token: [UInt8], part: Int) throws -> [String: Any] {
    let parts = String(decoding: token, as: UTF8.self).split(separator: ".")
    var text = parts[part].replacing("-", with: "+").replacing("_", with: "/")
    while text.utf8.count % 4 != 0 { text += "=" }
    let json = try JSONSerialization.jsonObject(with: Data(base64Encoded: String(text)) ?? Data())
    return json as? [String: Any] ?? [:]
}
