// SPDX-License-Identifier: Apache-2.0
// A root of its own: mount points are made only in it, before anything is attached beneath it.

internal import RemitKernel
internal import RemitNetwork
internal import RemitTask

extension PlanBuilder {
    mutating func makeRoot() {
        let root: Slot = "root"
        setup += [
            .filesystem(
                "tmpfs", options: ["size=16m", "mode=0755"], attributes: [.noSetUser, .noDevices], into: root),
            .attachRoot(root, over: "/usr"),
        ]
        layOver()
        var directories: [String: UInt32] = [
            "dev": 0o755, "dev/pts": 0o755, "etc": 0o755, "home/agent": 0o700, "proc": 0o555, "run/remit": 0o755,
            "run/remit/credentials": 0o700, "run/remit/sockets": 0o755, "tmp": 0o777, "var": 0o755,
        ]
        if request.workspace == nil { directories[SandboxPlan.Path.workspace] = 0o755 }
        var files: [String: [UInt8]] = [SandboxPlan.Path.sealed: []]
        if !request.description.isEmpty { files[SandboxPlan.Path.description] = request.description }
        for (name, text) in syntheticFiles { files["etc/\(name)"] = Array(text.utf8) }
        if trusts {
            directories[SandboxPlan.Path.trust] = 0o755
            // Without the host's authorities there is no bundle to cover, but programs look for one all the same.
            if !mounts.contains(where: { $0.target == "etc/ssl/certs" }) { files[TrustFile.bundle.place] = [] }
        }
        for mount in mounts {
            if mount.isDirectory { directories[mount.target] = 0o755 } else { files[mount.target] = [] }
        }
        for path in Array(directories.keys) + Array(files.keys) {
            for parent in parents(of: path) where directories[parent] == nil { directories[parent] = 0o755 }
        }
        for (path, mode) in directories.sorted(by: { $0.key < $1.key }) {
            setup.append(.directory(path, mode: mode, in: root))
        }
        for (path, contents) in files.sorted(by: { $0.key < $1.key }) where directories[path] == nil {
            setup.append(.file(path, contents, mode: 0o444, in: root))
        }
        var links = request.profile.filesystem.links
        links["/dev/fd"] = "/proc/self/fd"
        links["/dev/stdin"] = "/proc/self/fd/0"
        links["/dev/stdout"] = "/proc/self/fd/1"
        links["/dev/stderr"] = "/proc/self/fd/2"
        links["/dev/ptmx"] = "pts/ptmx"
        links["/dev/shm"] = "/tmp"
        links["/var/tmp"] = "/tmp"
        for (path, target) in links.sorted(by: { $0.key < $1.key }) {
            setup.append(.link(String(path.dropFirst()), to: target, in: root))
        }
    }

    /// The workspace and its layer become one mount, which ``takeSources()`` took apart.
    private mutating func layOver() {
        guard let layers = request.layers, request.workspace?.mode == .overlay else { return }
        let root: Slot = "root"
        setup += LaunchStep.overlayPoints.map { .directory($0, mode: 0o700, in: root) }
        setup.append(
            .overlay(
                "layers", above: "workspace", upper: layers.upper, work: layers.work, lower: layers.lower, in: root,
                attributes: Self.quiet, into: Slot("/\(SandboxPlan.Path.workspace)"))
        )
    }

    private func parents(of path: String) -> [String] {
        var result: [String] = []
        var rest = path
        while let slash = rest.lastIndex(of: "/") {
            rest = String(rest[..<slash])
            result.append(rest)
        }
        return result
    }

    private var syntheticFiles: [String: String] {
        let builtIn = [
            "passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n"
                + "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
            "group": "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
            "hostname": "remit\n",
            "hosts": "127.0.0.1 localhost remit\n::1 localhost remit\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
            "resolv.conf": "# no network\n",
        ].merging(request.network?.files ?? [:]) { _, other in other }
        return builtIn.merging(request.profile.etc.files) { _, own in own }
    }

    mutating func attachSources() throws(SandboxError) {
        let root: Slot = "root"
        let quiet = Self.quiet
        var seen: Set<String> = []
        for mount in mounts.sorted(by: { $0.target < $1.target }) {
            guard seen.insert(mount.target).inserted else {
                throw SandboxError("two things want to be `/\(mount.target)` inside the sandbox")
            }
            setup.append(.move(mount.slot, to: mount.target, in: root))
        }
        let temporary = request.profile.filesystem.temporary?.bytes ?? 1 << 28
        let home = request.profile.filesystem.home?.bytes ?? 1 << 28
        setup.append(.move("proc", to: "proc", in: root))
        showStatistics()
        setup += [
            .filesystem("tmpfs", options: volume(temporary, mode: "1777"), attributes: quiet, into: "tmp"),
            .move("tmp", to: "tmp", in: root),
            .filesystem("tmpfs", options: volume(home, mode: "0700"), attributes: quiet, into: "home"),
            .move("home", to: SandboxPlan.Path.home, in: root),
            .filesystem(
                "devpts", options: ["newinstance", "ptmxmode=0666", "mode=0620"],
                attributes: [.noSetUser, .noExecute], into: "terminals"
            ),
            .move("terminals", to: "dev/pts", in: root),
        ]
        if request.credentials {
            // Two mounts of one file system: ours can be written, the agent's cannot.
            let options = ["size=1m", "mode=0700", "nr_inodes=256"]
            setup += [
                .filesystem("tmpfs", options: options, attributes: quiet.union(.noExecute), into: "credentials"),
                .move("credentials", to: SandboxPlan.Path.credentials, in: root),
                .reopenTree("credentials", into: "credentials for the supervisor"),
                .attributes("credentials", set: .readOnly, recursive: false),
                .send("credentials for the supervisor", tag: .credentials),
            ]
        }
        if trusts { attachTrust() }
    }

    /// Holds on to the few files of `/proc` that the profile names, by mounting each over itself, and takes all others
    /// out. In that order: once it shows processes only, there is no file left to mount.
    private mutating func showStatistics() {
        let files = request.profile.filesystem.processes.files
        if files.isEmpty { return }
        for file in files {
            let slot = Slot("/proc/\(file)")
            setup += [
                .reopenTree("proc", path: file, into: slot), .attributes(slot, set: .readOnly, recursive: false),
                .move(slot, to: "proc/\(file)", in: "root"),
            ]
        }
        setup.append(.reconfigure("proc", options: [SandboxPlan.processesOnly]))
    }

    /// Options of a temporary file system. An empty file costs the kernel about 1 KiB that its size does not count:
    /// without a number of files it could take all memory of a host that limits none.
    private func volume(_ size: UInt64, mode: String) -> [String] {
        ["size=\(size)", "nr_inodes=\(max(1024, size / 1024))", "mode=\(mode)"]
    }

    private var trusts: Bool { request.network?.hasAuthority ?? false }

    /// Files that the supervisor fills before the agent runs, and over the host's that programs read.
    private mutating func attachTrust() {
        let root: Slot = "root"
        let trust: Slot = "trust"
        setup += [
            .filesystem(
                "tmpfs", options: ["size=4m", "nr_inodes=16", "mode=0755"], attributes: Self.quiet.union(.noExecute),
                into: trust
            ),
            .move(trust, to: SandboxPlan.Path.trust, in: root),
        ]
        for file in TrustFile.allCases {
            setup.append(.file("\(SandboxPlan.Path.trust)/\(file.name)", [], mode: 0o644, in: root))
        }
        setup += [
            .reopenTree(trust, into: "trust for the supervisor"), .attributes(trust, set: .readOnly, recursive: false),
        ]
        for file in TrustFile.allCases where covers(file) {
            let slot = Slot("/\(file.place)")
            setup += [
                .reopenTree(trust, path: file.name, into: slot), .attributes(slot, set: .readOnly, recursive: false),
                .move(slot, to: file.place, in: root),
            ]
        }
        setup.append(.send("trust for the supervisor", tag: .trust))
    }

    /// Whether there is something inside that a file of trust has to take the place of.
    private func covers(_ file: TrustFile) -> Bool {
        guard let mount = mounts.first(where: { file.place.hasPrefix($0.target + "/") }) else {
            return file == .bundle
        }
        // Of the host's tree only what is a plain file is covered.
        guard mount.isDirectory, let facts = try? FileSystem.facts(at: "/" + file.place) else { return false }
        return facts.isRegular
    }
}
