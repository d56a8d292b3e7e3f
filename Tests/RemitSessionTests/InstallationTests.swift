// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTask
import Testing

@testable import RemitSession

@Suite struct InstallationTests {
    /// A directory with a program at `path`.
    private func installed(_ path: String, _ body: (String) throws -> Void) throws {
        let base = "/tmp/remit-installed-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: base) }
        let file = URL(filePath: "\(base)/\(path)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("#!/bin/sh\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        try body(URL(filePath: base).resolvingSymlinksInPath().path)
    }

    private func profile(_ program: String, _ binds: [Bind] = [Bind(source: "/usr")]) -> Profile {
        Profile(
            name: "own", filesystem: ProfileFilesystem(binds: binds, installations: [program: "/opt/tool"]),
            origins: ["filesystem.installations.\(program)": Origin(profile: "own", line: 7)])
    }

    @Test func `an installation is bound where the profile says, through links`() throws {
        try installed("far/tool-1/bin/tool") { base in
            try FileManager.default.createDirectory(atPath: "\(base)/path", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: "\(base)/path/tool", withDestinationPath: "../far/tool-1/bin/tool")
            let found = profile("tool").withInstallations(of: ["PATH": "relative:/nowhere:\(base)/path:/usr/bin"])
            #expect(found.filesystem.binds.last == Bind(source: "\(base)/far/tool-1", target: "/opt/tool"))
            #expect(found.origins["filesystem.binds./opt/tool"] == Origin(profile: "own", line: 7))
        }
    }

    @Test func `what is shown already, is nowhere or has no place is not bound`() throws {
        let shown = profile("sh").withInstallations(of: ["PATH": "/bin:/usr/bin"])
        #expect(shown.filesystem.binds.map(\.target) == ["/usr"])
        try installed("tool-1/bin/tool") { base in
            let nowhere = profile("tool").withInstallations(of: ["PATH": "/usr/bin"])
            #expect(nowhere.filesystem.binds.count == 1)
            let taken = profile("tool", [Bind(source: "/usr", target: "/opt/tool")])
                .withInstallations(of: ["PATH": "\(base)/tool-1/bin"])
            #expect(taken.filesystem.binds.count == 1)
        }
        try installed("tool-1/tool") { base in
            let flat = profile("tool").withInstallations(of: ["PATH": "\(base)/tool-1"])
            #expect(flat.filesystem.binds.count == 1)
        }
    }

    @Test func `root's agents are shown nothing that not everybody may reach`() throws {
        try installed("closed/tool-1/bin/tool") { base in
            let path = ["PATH": "\(base)/closed/tool-1/bin"]
            #expect(profile("tool").withInstallations(of: path).filesystem.binds.count == 2)
            chmod("\(base)/closed", 0o700)
            #expect(profile("tool").withInstallations(of: path).filesystem.binds.count == (geteuid() == 0 ? 1 : 2))
            #expect(profile("tool").hasOutside("tool", of: path) == (geteuid() != 0))
        }
    }

    @Test func `a home, what holds it and its hidden directories are no installations`() throws {
        for path in ["bin/tool", ".local/bin/tool", ".cargo/bin/tool"] {
            try installed(path) { home in
                let directory = URL(filePath: "\(home)/\(path)").deletingLastPathComponent().path
                let found = profile("tool").withInstallations(of: ["PATH": directory, "HOME": home])
                #expect(found.filesystem.binds.count == 1, "\(path)")
            }
        }
        try installed("home/me/file") { base in
            #expect(!Profile.isInstallation(base, ["\(base)/home/me"]))
            #expect(Profile.isInstallation("\(base)/home/me/tool-1", ["\(base)/home/me"]))
            #expect(Profile.isInstallation("\(base)/home/me/.nvm/versions/node/v22", ["\(base)/home/me"]))
        }
        for place in ["/", "/opt", "/etc/tool", "/proc/1", "/run/user/1000"] {
            #expect(!Profile.isInstallation(place, ["/home/me"]), "\(place)")
        }
    }
}
