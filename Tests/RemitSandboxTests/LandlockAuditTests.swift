// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitSandbox
import Testing

/// The kernel's records of Landlock, as Linux 6.18 writes them.
@Suite struct LandlockAuditTests {
    private let serial = "audit(1795681181.770:36934): "

    private func access(_ domain: String, _ rest: String) -> AuditLog.Record {
        AuditLog.Record(type: AuditLog.access, text: "\(serial)domain=\(domain) \(rest)")
    }

    private func made(_ domain: String, by pid: Int) -> AuditLog.Record {
        AuditLog.Record(
            type: AuditLog.domain,
            text: "\(serial)domain=\(domain) status=allocated mode=enforcing pid=\(pid) uid=0 exe=\"/x\" comm=\"x\"")
    }

    private func file(_ path: String, _ blockers: String = "fs.read_file") -> String {
        "blockers=\(blockers) path=\(path) dev=\"vda\" ino=1196118"
    }

    @Test func `only the session's own domain counts, from its first refusal on`() {
        var audit = LandlockAudit(maker: 20470, expected: [])
        #expect(audit.take(access("1d5ec176f", file("\"/etc/passwd\""))).isEmpty)
        #expect(audit.take(access("2aa", file("\"/other\""))).isEmpty)
        #expect(audit.take(made("2aa", by: 7)).isEmpty)
        let passwd = LandlockRefusal(blockers: ["fs.read_file"], path: "/etc/passwd")
        #expect(audit.take(made("1d5ec176f", by: 20470)) == [passwd])
        #expect(audit.take(access("1d5ec176f", file("\"/etc/passwd\""))).isEmpty)
        #expect(audit.take(access("2aa", file("\"/etc/passwd\""))).isEmpty)
        let both = LandlockRefusal(blockers: ["fs.write_file", "fs.truncate"], path: "/a")
        #expect(audit.take(access("1d5ec176f", file("\"/a\"", "fs.write_file,fs.truncate"))) == [both])
        #expect(audit.counts == [passwd: 2, both: 1] && !audit.isOver)
        // A domain that the agent makes for itself has another maker, and never takes the place of the session's.
        #expect(audit.take(made("3bb", by: 20470)).isEmpty && audit.take(access("3bb", file("\"/b\""))).isEmpty)
        _ = audit.take(
            AuditLog.Record(type: AuditLog.domain, text: "\(serial)domain=1d5ec176f status=deallocated denials=3"))
        #expect(audit.isOver)
    }

    @Test func `what the launch tries itself is no refusal of the agent's, the second time it is`() {
        var audit = LandlockAudit(maker: 9, expected: ["/.sealed"])
        _ = audit.take(made("a", by: 9))
        #expect(audit.take(access("a", file("\"/.sealed\""))).isEmpty && audit.counts.isEmpty)
        #expect(audit.take(access("a", file("\"/.sealed\""))).count == 1)
    }

    @Test func `names that hold anything unusual are in hexadecimal, and forge no field`() {
        var audit = LandlockAudit(maker: 9, expected: [])
        _ = audit.take(made("a", by: 9))
        // `/w x" domain=b` with an escape in it.
        let name = "/w x\" domain=b\u{1b}\n"
        let hex = name.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
        #expect(audit.take(access("a", file(hex))).first?.path == name)
        for broken in ["path=", "path=ABC", "path=\"", "path=GG", "", "domain=zz blockers=fs.x"] {
            _ = audit.take(access("a", "blockers=scope.signal \(broken)"))
        }
        #expect(audit.counts[LandlockRefusal(blockers: ["scope.signal"], path: nil)] == 6)
        for text in ["", "domain=", "domain=a", "audit(): blockers=x", "domain=a blockers="] {
            #expect(audit.take(AuditLog.Record(type: AuditLog.access, text: text)).isEmpty || text.hasSuffix("="))
        }
    }

    @Test func `a flood is counted, and others' records do not pile up`() {
        var audit = LandlockAudit(maker: 9, expected: [])
        for index in 0..<10_000 { _ = audit.take(access("f\(index)", file("\"/other\""))) }
        _ = audit.take(access("a", file("\"/mine\"")))
        #expect(audit.take(made("a", by: 9)).map(\.path) == ["/mine"])
        for index in 0..<1_000 { _ = audit.take(access("a", file("\"/p\(index)\""))) }
        #expect(audit.counts.count == 256 && audit.lost == 1_000 - 255)
    }
}
