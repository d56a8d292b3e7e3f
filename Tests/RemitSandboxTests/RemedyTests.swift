// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite struct RemedyTests {
    private static let paths: [(String, ObservedAct, String, Remedy.Wisdom, String)] = [
        ("/etc/shadow", .read, "mounts", .never, ""),
        ("/etc/ssl/private/key.pem", .read, "mounts", .never, ""),
        ("/home/u/.ssh/id_ed25519", .read, "mounts", .never, ""),
        ("/home/agent/.aws/credentials", .look, "mounts", .never, ""), ("/root/x", .read, "mounts", .never, ""),
        ("/run/docker.sock", .connect, "mounts", .never, ""), ("/run/user/1000/bus", .connect, "mounts", .never, ""),
        ("/proc/version", .read, "mounts", .never, ""), ("/proc/stat", .write, "mounts", .never, ""),
        ("/proc/stat", .read, "mounts", .careful, "filesystem: {processes: statistics}"),
        ("/sys/class", .look, "mounts", .never, ""),
        ("/dev/kvm", .write, "mounts", .never, ""), ("/usr/bin/x", .make, "mounts", .never, ""),
        ("/workspace/x", .write, "mounts", .fine, "workspace: {mode: write}"),
        ("/workspace/x", .read, "permissions", .careful, ""),
        ("/etc/gitconfig", .read, "mounts", .fine, "etc: {copy: [/etc/gitconfig]}"),
        ("/etc/odd name", .read, "mounts", .fine, "etc: {copy: [\"/etc/odd name\"]}"),
        ("/etc/cron.daily/x", .execute, "mounts", .never, ""),
        ("/opt/tool/bin/x", .execute, "mounts", .careful, "filesystem: {binds: [/opt/tool]}"),
        ("/srv/data/a/b", .read, "mounts", .careful, "filesystem: {binds: [/srv/data]}"),
    ]

    @Test(arguments: paths)
    func `advice about a path`(
        _ path: String, _ act: ObservedAct, _ layer: String, _ wisdom: Remedy.Wisdom, _ yaml: String
    ) {
        let remedy = Remedy.path(path, act, refusedBy: Opinion(layer, .denies, ""), home: "/home/u")
        #expect(remedy.wisdom == wisdom && (remedy.yaml ?? "") == yaml, "\(remedy)")
        // What should never be allowed has no line to copy.
        #expect(remedy.wisdom != .never || remedy.yaml == nil)
    }

    @Test func `secrets among variables and addresses among hosts are told apart`() {
        for name in ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD", "LD_PRELOAD", "SSH_AUTH_SOCK"] {
            #expect(Remedy.variable(name).wisdom == .never, "\(name)")
        }
        #expect(Remedy.variable("EDITOR").yaml == "environment: {allow: [EDITOR]}")
        #expect(Remedy.host("169.254.169.254", port: 80, reason: nil).wisdom == .never)
        #expect(Remedy.host("api.example.com", port: 443, reason: nil).yaml?.contains("ports: [443]") == true)
    }

    @Test(arguments: ["/usr", "a", "LC_*", "true", "1", "a: b", "#", "\"", "\\", "a\nb", "\u{1b}[2J", "", "-x", "é"])
    func `a quoted text is itself again`(_ text: String) throws {
        let file = "apiVersion: remit/v1\nkind: Task\nname: x\ncommand: [\(Remedy.quoted(text)), end]\n"
        // A file may not hold what a terminal would obey, however it is spelled.
        guard text.unicodeScalars.allSatisfy({ $0.value >= 32 }), !text.isEmpty else {
            #expect(!Remedy.quoted(text).contains("\n"))
            return
        }
        #expect(try TaskFile.decode(file, file: "x").command == [text, "end"], "\(Remedy.quoted(text))")
    }

    @Test func `what a directory holds of the floor is found, in both directions`() {
        for path in [
            "/etc", "/", "/home", "/home/u", "/home/u/.ssh/keys", "/run", "/root", "/var/lib", "/boot", "/etc/ssl",
        ] {
            #expect(SecretPlaces.isTouched(by: path, home: "/home/u"), "\(path)")
        }
        for path in ["/opt", "/etc/ssl/certs", "/etc/fonts", "/home/u/project", "/srv/data", "/usr"] {
            #expect(!SecretPlaces.isTouched(by: path, home: "/home/u"), "\(path)")
        }
    }
}
