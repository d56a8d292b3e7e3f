// SPDX-License-Identifier: Apache-2.0
// Where on the host a path of a session lies.

extension ProfileFilesystem {
    /// The path of the host that a path in the root stands for; nothing for one that no bind shows.
    ///
    /// Links of the profile are followed, those within what is bound are left to the host.
    package func hostPath(of path: String) -> String? {
        var path = path
        // Each link is followed at most once, so that none leads in circles.
        for _ in 0...links.count {
            guard let link = links.first(where: { AbsolutePath.isWithin(path, $0.key) }) else { break }
            let rest = path.dropFirst(link.key.count)
            let parent = link.key.split(separator: "/").dropLast().map { "/\($0)" }.joined()
            path = (link.value.hasPrefix("/") ? link.value : "\(parent)/\(link.value)") + rest
        }
        let shown = binds.filter { AbsolutePath.isWithin(path, $0.target) }
        guard let bind = shown.max(by: { $0.target.utf8.count < $1.target.utf8.count }) else { return nil }
        return bind.source + path.dropFirst(bind.target.count)
    }
}
