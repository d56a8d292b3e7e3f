// SPDX-License-Identifier: Apache-2.0
// What no session is shown and no profile is taught, whoever looks for it: the floor of paths.

internal import RemitKernel

/// Places of a host that hold secrets, or lead to those who rule it.
package enum SecretPlaces {
    /// Why a path is on the floor; nothing for one that is not.
    ///
    /// - Parameter home: the caller's home.
    package static func reason(_ path: String, home: String?) -> String? {
        if let reason = places.first(where: { isWithin(path, $0.path) })?.reason { return reason }
        let homes = [home, "/root", "/home/agent"].compactMap { $0 } + others(path)
        for home in homes where isWithin(path, home) && path != home {
            let rest = String(path.dropFirst(home.utf8.count + 1))
            if let reason = ofHome.first(where: { isWithin(rest, $0.path) })?.reason { return reason }
        }
        if isWithin(path, "/root") { return "root's home is nobody else's" }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        if name.hasSuffix("_key") || name.hasSuffix(".key") || name.hasPrefix("id_rsa") || name.hasPrefix("id_ed25519")
        {
            return "it looks like a private key"
        }
        return nil
    }

    /// Whether a directory holds, or lies in, a place on the floor: bringing it in would bring that in.
    package static func isTouched(by directory: String, home: String?) -> Bool {
        if reason(directory, home: home) != nil { return true }
        let homePlaces = home.map { home in [home] + ofHome.map { "\(home)/\($0.path)" } } ?? []
        let all = places.map(\.path) + homePlaces + ["/root", "/home"]
        return all.contains { isWithin($0, directory) }
    }

    /// The home that a path below /home lies in, whoever's it is.
    private static func others(_ path: String) -> [String] {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "home" ? ["/home/\(parts[1])"] : []
    }

    private static func isWithin(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
    }

    private static let places: [(path: String, reason: String)] = [
        ("/etc/shadow", "it holds the passwords of the host's accounts"),
        ("/etc/shadow-", "it holds the passwords of the host's accounts"),
        ("/etc/gshadow", "it holds the passwords of the host's groups"),
        ("/etc/gshadow-", "it holds the passwords of the host's groups"),
        ("/etc/security/opasswd", "it holds old passwords of the host's accounts"),
        ("/etc/sudoers", "it says who becomes root"), ("/etc/sudoers.d", "it says who becomes root"),
        ("/etc/ssh", "it holds the host's keys"), ("/etc/ssl/private", "it holds the host's keys"),
        ("/etc/krb5.keytab", "it holds the host's keys"), ("/etc/ipsec.secrets", "it holds the host's keys"),
        ("/etc/wireguard", "it holds the host's keys"), ("/etc/NetworkManager", "it holds the host's passwords"),
        ("/etc/docker", "it leads to the host's containers"), ("/etc/kubernetes", "it holds a cluster's keys"),
        ("/etc/remit", "it is what the operator decides with"),
        ("/var/run/docker.sock", "who has it is root on the host"),
        ("/run/docker.sock", "who has it is root on the host"),
        ("/run/containerd", "who has it is root on the host"),
        ("/run/podman", "it starts processes outside of the session"),
        ("/run/user", "sockets of the user's own session start processes outside of this one"),
        ("/run/dbus", "services on the bus act outside of the session"),
        ("/var/run/dbus", "services on the bus act outside of the session"),
        ("/run/systemd", "it starts processes outside of the session"),
        ("/run/remit", "the session's own; what is not there belongs to others"),
        ("/var/lib/remit", "it is Remit's own record"),
        ("/proc/kcore", "it is the memory of the host"), ("/dev/mem", "it is the memory of the host"),
        ("/boot", "it is what the host starts with"),
        ("/tmp/.X11-unix", "who has it sees and types what the user does"),
        ("/var/spool/cron", "it runs programs outside of the session"),
        ("/etc/cron.d", "it runs programs outside of the session"),
    ]

    private static let ofHome: [(path: String, reason: String)] = [
        (".ssh", "it holds keys to other machines"), (".gnupg", "it holds keys"), (".aws", "it holds keys to a cloud"),
        (".azure", "it holds keys to a cloud"), (".config/gcloud", "it holds keys to a cloud"),
        (".kube", "it holds keys to a cluster"), (".docker", "it holds passwords of registries"),
        (".netrc", "it holds passwords"), (".git-credentials", "it holds passwords"), (".config/gh", "it holds tokens"),
        (".config/remit", "it is what the operator decides with"), (".local/state/remit", "it is Remit's own record"),
        (".local/share/keyrings", "it holds passwords"), (".password-store", "it holds passwords"),
        (".mozilla", "it holds the user's sessions"), (".config/google-chrome", "it holds the user's sessions"),
        (".config/chromium", "it holds the user's sessions"), (".npmrc", "it may hold tokens"),
        (".pypirc", "it holds passwords"), (".m2/settings.xml", "it may hold passwords"),
        (".pgpass", "it holds passwords"),
        (".my.cnf", "it holds passwords"), (".vault-token", "it is a token"), (".bash_history", "people type secrets"),
        (".claude.json", "it holds tokens"), (".claude/.credentials.json", "it holds tokens"),
        (".codex/auth.json", "it holds tokens"),
    ]
}
