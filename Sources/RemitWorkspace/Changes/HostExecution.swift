// SPDX-License-Identifier: Apache-2.0
// What a host executes of a workspace later on, mostly without being asked to: a table, and the few things that only the
// contents or the surroundings of a file tell.

internal import RemitKernel

/// One line of the table.
struct ExecutionRule {
    let rule: String
    let reason: String
    /// Patterns of names; `*` stands for anything within a name, `**` for any number of names, and the last one is matched
    /// at any depth.
    let patterns: [NamePattern]
    let weight: Concern.Weight

    init(_ rule: String, _ reason: String, _ patterns: [String], weight: Concern.Weight = .flagged) {
        self.rule = rule
        self.reason = reason
        self.patterns = patterns.map(NamePattern.init)
        self.weight = weight
    }
}

/// Which changes hand the host something to execute.
package enum HostExecution {
    static let table: [ExecutionRule] = [
        ExecutionRule("git-hook", "git executes it", [".git/hooks/**", ".git/modules/**/hooks/**"]),
        ExecutionRule(
            "git-config", "git reads programs to execute from it",
            [
                ".git/config", ".git/config.worktree", ".git/worktrees/*/config.worktree", ".git/modules/**/config",
                ".git/modules/**/config.worktree", ".gitconfig", ".gitmodules",
            ]),
        ExecutionRule(
            "git-elsewhere", "it makes git look for a repository or its parts in another place",
            [".git", ".git/commondir", ".git/gitdir", ".git/objects/info/alternates", ".git/info/attributes"]),
        ExecutionRule(
            "git-operation", "git executes what it says when somebody lets it go on",
            [
                ".git/rebase-merge/**", ".git/rebase-apply/**", ".git/sequencer/**", ".git/worktrees/*/rebase-merge/**",
                ".git/worktrees/*/rebase-apply/**", ".git/worktrees/*/sequencer/**", ".git/modules/**/rebase-merge/**",
                ".git/modules/**/rebase-apply/**", ".git/modules/**/sequencer/**",
            ]),
        ExecutionRule(
            "environment", "a shell with direnv, mise or the like executes it on entering the directory",
            [".envrc", ".direnv/**", "mise.toml", ".mise.toml", ".mise/**", ".autoenv", ".autoenv.zsh"]),
        ExecutionRule(
            "editor", "an editor may execute what it says when the folder is opened",
            [
                ".vscode/**", "*.code-workspace", ".idea/**", ".zed/**", ".fleet/**", ".vim/**", ".nvim/**", ".vimrc",
                ".exrc", ".nvimrc", ".nvim.lua", ".lvimrc", ".dir-locals.el", ".dir-locals-2.el", ".sublime-project",
                "*.sublime-project", ".devcontainer/**", ".devcontainer.json", ".projectile",
            ]),
        ExecutionRule(
            "agent", "a coding agent may execute what it says",
            [".claude/**", ".mcp.json", ".codex/**", ".cursor/**", ".gemini/**", ".opencode/**", ".aider.conf.yml"]),
        ExecutionRule(
            "ci", "a build service executes what it says, with that service's secrets",
            [
                ".github/workflows/**", ".github/actions/**", "action.yml", "action.yaml", ".gitlab-ci.yml",
                ".gitlab/**", ".circleci/**", ".travis.yml", "azure-pipelines.yml", ".azure-pipelines/**",
                "Jenkinsfile", ".drone.yml", ".woodpecker.yml", ".woodpecker/**", "bitbucket-pipelines.yml",
                ".buildkite/**", "appveyor.yml", ".appveyor.yml", ".forgejo/**", ".gitea/**", "cloudbuild.yaml",
                ".cirrus.yml",
            ]),
        ExecutionRule(
            "hook-manager", "a manager of git hooks executes what it says",
            [
                ".husky/**", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml", "lefthook.yml", ".lefthook.yml",
                "lefthook.yaml", ".lefthook/**", ".overcommit.yml", ".githooks/**",
            ]),
        ExecutionRule(
            "package-manager", "a package manager reads from it what to execute, or where packages come from",
            [
                ".npmrc", ".yarnrc", ".yarnrc.yml", ".yarn/**", ".pnpmfile.cjs", "pip.conf", ".pypirc", ".bundle/**",
                ".cargo/**", ".mvn/**", ".gemrc", "*.pth", "sitecustomize.py", "usercustomize.py",
            ]),
        ExecutionRule(
            "build", "a build or a test run executes it",
            [
                "Makefile", "makefile", "GNUmakefile", "*.mk", "CMakeLists.txt", "*.cmake", "meson.build", "BUILD",
                "BUILD.bazel", "WORKSPACE", "MODULE.bazel", ".bazelrc", "justfile", "Justfile", ".justfile",
                "Taskfile.yml", "Taskfile.yaml", "Rakefile", "Gemfile", "package.json", "*.config.js", "*.config.mjs",
                "*.config.cjs", "*.config.ts", "setup.py", "setup.cfg", "pyproject.toml", "conftest.py", "tox.ini",
                "noxfile.py", "build.rs", "Cargo.toml", "build.gradle", "build.gradle.kts", "settings.gradle",
                "settings.gradle.kts", "gradlew", "pom.xml", "Package.swift", "Dockerfile", "Containerfile",
                "docker-compose.yml", "compose.yaml", "Vagrantfile", "configure", "configure.ac",
            ], weight: .noted),
    ]

    static func concerns(about change: Change, in view: MergedView) -> [Concern] {
        // What goes away executes nothing: but without a file of settings others may hold.
        guard let after = change.after else { return [] }
        let repository = nestedRepository(change, view)
        guard after.kind == .file || after.kind == .link || change.kind == .type else { return repository }
        let names = change.path.names.map(NamePattern.folded)
        let isLink = after.kind == .link
        let found = table.filter { rule in
            rule.patterns.contains { $0.matches(names) || isLink && $0.leadsThrough(names) }
        }
        return found.map { Concern($0.weight, $0.rule, $0.reason) } + repository + contents(change, view)
    }

    /// What git finds in a directory that it takes for a repository.
    private static let repositoryNames = ["config", "HEAD", "objects", "refs", "hooks"].map { Array($0.utf8) }

    /// A directory with `HEAD`, `objects` and `config` or `hooks` is a repository for git, whatever its name: the session
    /// may have brought in any of them as the last one.
    private static func nestedRepository(_ change: Change, _ view: MergedView) -> [Concern] {
        let directory: TreePath
        if change.path.parent.name == repositoryNames[4] {
            directory = change.path.parent.parent
        } else if repositoryNames.contains(change.path.name),
            // A directory of hooks is nothing without what is in it; a link to one is.
            change.path.name != repositoryNames[4] || change.after?.kind == .link
        {
            directory = change.path.parent
        } else {
            return []
        }
        func has(_ name: String) -> Bool { view.exists(directory.appending(Array(name.utf8))) }
        guard directory.name != Array(".git".utf8), has("HEAD"), has("objects"), has("config") || has("hooks") else {
            return []
        }
        return [
            Concern(.flagged, "git-nested", "`\(directory)` is a repository for git, which executes what this says")
        ]
    }

    private static func contents(_ change: Change, _ view: MergedView) -> [Concern] {
        guard let after = change.after, after.kind == .file else { return [] }
        let wasExecutable = change.before?.isExecutable ?? false
        if change.kind == .attributes { return [] }
        if change.kind == .mode {
            return after.isExecutable && !wasExecutable ? [newlyExecutable] : []
        }
        let start = head(change.path, view)
        var found: [Concern] = []
        if after.isExecutable, !wasExecutable { found.append(newlyExecutable) }
        if start.starts(with: Array("#!".utf8)) {
            found.append(
                change.before?.kind == .file
                    ? Concern(.noted, "script", "it is a script")
                    : Concern(.flagged, "script", "it is a new script"))
        } else if start.starts(with: [0x7F] + Array("ELF".utf8)) {
            found.append(Concern(.flagged, "program", "it is a program"))
        }
        if change.path.name == Array(".gitattributes".utf8), namesDriver(start) || after.size > headLimit {
            found.append(Concern(.flagged, "git-attributes", "it names a filter or a driver that git executes"))
        }
        return found
    }

    private static let newlyExecutable = Concern(
        .flagged, "newly-executable", "it can be executed, and could not before")

    private static func namesDriver(_ text: [UInt8]) -> Bool {
        let text = String(decoding: text, as: UTF8.self)
        return ["filter", "diff", "merge"].contains { text.contains("\($0)=") }
    }

    /// How much of a file is looked at.
    private static let headLimit = 65_536

    /// The beginning of a file; nothing where it cannot be read.
    private static func head(_ path: TreePath, _ view: MergedView) -> [UInt8] {
        guard let file = try? view.open(path) else { return [] }
        return (try? FileSystem.readStart(file.number, count: headLimit, name: "\(path)")) ?? []
    }
}

/// A pattern of the table, over names as bytes; letters count the same in either case, as some file systems have them.
struct NamePattern {
    private enum Part: Hashable {
        /// Any number of names; at the end at least one.
        case names
        /// A name that begins and ends so; the same name when there is no star in between.
        case name(head: [UInt8], tail: [UInt8], isOpen: Bool)
    }

    private let parts: [Part]

    init(_ pattern: String) {
        parts = pattern.split(separator: "/").map { part in
            if part == "**" { return .names }
            let bytes = Self.folded(Array(part.utf8))
            guard let star = bytes.firstIndex(of: UInt8(ascii: "*")) else {
                return .name(head: bytes, tail: [], isOpen: false)
            }
            return .name(head: Array(bytes[..<star]), tail: Array(bytes[(star + 1)...]), isOpen: true)
        }
    }

    /// A pattern begins at any depth, as a workspace may hold other projects.
    ///
    /// - Parameter names: folded, see ``folded(_:)``.
    func matches(_ names: [EntryName]) -> Bool {
        // One name is the last one.
        if parts.count == 1 { return names.last.map { Self.isMatch($0, parts[0]) } ?? false }
        return names.indices.contains { Self.isMatch(parts[...], names[$0...]) }
    }

    /// Whether a path that matches may lead through this one: who makes it a link says what is found there.
    ///
    /// - Parameter names: folded, see ``folded(_:)``.
    func leadsThrough(_ names: [EntryName]) -> Bool {
        parts.indices.dropFirst().contains { end in
            names.indices.contains { Self.isMatch(parts[..<end], names[$0...]) }
        }
    }

    private static func isMatch(_ parts: ArraySlice<Part>, _ names: ArraySlice<EntryName>) -> Bool {
        guard let part = parts.first else { return names.isEmpty }
        if part == .names {
            if parts.count == 1 { return !names.isEmpty }
            return (names.startIndex...names.endIndex).contains { isMatch(parts.dropFirst(), names[$0...]) }
        }
        guard let name = names.first, isMatch(name, part) else { return false }
        return isMatch(parts.dropFirst(), names.dropFirst())
    }

    private static func isMatch(_ name: EntryName, _ part: Part) -> Bool {
        switch part {
        case .names: true
        case .name(let head, _, false): name == head
        case .name(let head, let tail, true):
            name.count >= head.count + tail.count && name.starts(with: head)
                && name.suffix(tail.count).elementsEqual(tail)
        }
    }

    /// The name with capital letters of ASCII made small.
    static func folded(_ name: [UInt8]) -> [UInt8] { name.map { (65...90).contains($0) ? $0 + 32 : $0 } }
}
