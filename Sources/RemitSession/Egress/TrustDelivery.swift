// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import RemitGate
internal import RemitKernel
internal import RemitSandbox

/// Fills the files that say whom programs inside trust, before any of them runs.
struct TrustDelivery {
    /// Where Debian, and most others by a link, keep the host's authorities.
    private static let hostBundle = "/etc/ssl/certs/ca-certificates.crt"
    private static let bundleLimit = 8 << 20

    /// The supervisor's writable view of the sandbox's directory.
    let directory: CInt
    let user: UInt32
    let group: UInt32

    /// - Parameter authority: the session's own in PEM; nothing when it signs for nobody.
    /// - Throws: ``SystemCallError``
    func deliver(authority: String?) throws(SystemCallError) {
        let host = (try? FileSystem.read(Self.hostBundle, limit: Self.bundleLimit)) ?? []
        let bundle = TrustBundle(system: host, authority: authority ?? "")
        let now = WallInstant.now.nanoseconds / 1_000_000
        for file in TrustFile.allCases {
            switch file {
            case .authority: try fill(file, Array((authority ?? "").utf8))
            case .bundle: try fill(file, bundle.pem)
            case .java: try fill(file, bundle.javaKeyStore(now: now))
            }
        }
    }

    /// In place: the same file is mounted over the host's.
    private func fill(_ file: TrustFile, _ bytes: [UInt8]) throws(SystemCallError) {
        // The tmpfs belongs to the sandbox's user namespace, in which real root is nobody.
        if CurrentProcess.isRoot { linux_set_filesystem_ids(user, group) }
        defer { if CurrentProcess.isRoot { linux_set_filesystem_ids(0, 0) } }
        let open = try FileSystem.open(file.name, O_WRONLY | O_TRUNC | O_NOFOLLOW, in: directory)
        try FileSystem.writeAll(open.number, bytes, name: file.name)
    }
}
