// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTesting
import Testing

extension CLI {
    /// The profile that is installed for hosts whose AppArmor closes user namespaces, read by AppArmor's own parser.
    @Suite struct AppArmorTests {
        /// The parser's command: `APPARMOR_PARSER`, or the system's. It must know what Ubuntu 23.10 and later know.
        private static let parser: String? = {
            if let named = ProcessInfo.processInfo.environment["APPARMOR_PARSER"], !named.isEmpty { return named }
            let own = "/usr/sbin/apparmor_parser"
            return Files.isExecutable(own) && Files.exists("/etc/apparmor.d/abi/4.0") ? own : nil
        }()

        private static let shipped = Playground.packageRoot + "/apparmor/remit"

        @Test(
            .enabled(if: parser != nil, "no apparmor_parser that knows abi 4.0 (Debian 13, Ubuntu 24.04)"),
            .enabled(if: Files.exists(shipped), "no checkout here"))
        func `it is one that the parser takes, and no other rule is in it`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let parser = try #require(Self.parser)
            let text = try #require(Files.text(Self.shipped)).replacing("@PREFIX@", with: "/usr/local")
            let (profile, broken) = (place.freshPath("remit"), place.freshPath("broken"))
            try place.write(text, to: profile)
            try place.write(text.replacing("userns,", with: "usernamespaces,"), to: broken)
            let taken = try place.shell("\(parser) -Q -K -S \(shellQuoted(profile)) | strings | grep -c '^remit$'")
            #expect(taken.exit == 0 && taken.text == "1\n", "\(taken)")
            let refused = try place.shell("\(parser) -Q -K -S \(shellQuoted(broken)) >/dev/null")
            #expect(refused.exit == 1 && refused.errors.contains("syntax error"), "\(refused)")
        }
    }
}
