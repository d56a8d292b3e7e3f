// SPDX-License-Identifier: Apache-2.0
// A workspace and a session's layer at random, made from a model that says what must come of the two.

import Glibc
import RemitKernel

@testable import RemitWorkspace

struct RandomWorld {
    enum Thing: Hashable {
        case file(String, UInt32)
        case directory(UInt32)
        case link(String)
    }

    let ground: Ground
    private var random: SplitMix
    /// What the workspace has, and what the session saw at its end.
    private var lower: [TreePath: Thing] = [:]
    private var merged: [TreePath: Thing] = [:]
    /// Directories that were removed and made anew.
    private var opaque: Set<TreePath> = []
    /// What must not be brought along.
    private(set) var traps: Set<String> = []

    init(seed: UInt64) throws {
        ground = try Ground()
        random = SplitMix(seed)
    }

    var expected: [String: String] {
        var found: [String: String] = [:]
        for (path, thing) in merged {
            // As ``Ground/tree(_:)`` writes it: every name by itself.
            let key = path.names.map { QuotedText.of($0) }.joined(separator: "/")
            switch thing {
            case .file(let text, let mode): found[key] = "100\(octal(mode)) \(QuotedText.of(Array(text.utf8)))"
            case .directory(let mode): found[key] = "040\(octal(mode))"
            case .link(let target): found[key] = "120 \(target)"
            }
        }
        return found
    }

    private func octal(_ mode: UInt32) -> String { String(String(0o1000 + mode, radix: 8).dropFirst()) }

    private static let texts = [
        "a", "b", "c", "Makefile", ".git", "hooks", "x y", "-f", "é", "a\nb", "\u{1B}[2J",
    ]
    private static let names: [EntryName] = texts.map { Array($0.utf8) } + [[0xFF, 0x80], [0xC3, 0x28]]

    private mutating func anyName() -> EntryName { Self.names[random.below(Self.names.count)] }

    private mutating func anyMode(_ modes: [UInt32]) -> UInt32 { modes[random.below(modes.count)] }

    /// What its owner may not read is not compared, and so is never found to be the same, but by root.
    private static let modes: [UInt32] = [0o644, 0o600, 0o755, 0o444] + (geteuid() == 0 ? [0o000] : [])

    private mutating func anyText() -> String {
        let words = ["", "x", "one\ntwo\n", "#!/bin/sh\n", String(repeating: "line\n", count: 40)]
        return words[random.below(words.count)]
    }

    private mutating func anyThing(at path: TreePath) -> Thing {
        switch random.below(6) {
        case 0, 1: .directory(anyMode([0o755, 0o700, 0o500, 0o775]))
        case 2: .link(String(repeating: "../", count: random.below(path.depth)) + ["a", "b/c", "c"][random.below(3)])
        default: .file(anyText(), anyMode(Self.modes))
        }
    }

    private func directories(_ tree: [TreePath: Thing]) -> [TreePath] {
        [.root] + tree.filter { if case .directory = $0.value { true } else { false } }.keys.sorted()
    }

    private mutating func anyPlace(_ tree: [TreePath: Thing]) -> TreePath {
        let places = directories(tree).filter { $0.depth < 5 }
        return places[random.below(places.count)].appending(anyName())
    }

    private static func remove(_ path: TreePath, _ tree: inout [TreePath: Thing]) {
        for other in tree.keys where other.isWithin(path) { tree[other] = nil }
    }

    // MARK: the workspace

    mutating func makeWorkspace() throws {
        for _ in 0..<(4 + random.below(24)) {
            let path = anyPlace(lower)
            guard lower[path] == nil else { continue }
            lower[path] = anyThing(at: path)
        }
        merged = lower
        try Self.write(lower, below: ground.workspace)
    }

    // MARK: the session

    mutating func changeAtRandom() throws {
        for _ in 0..<(2 + random.below(20)) {
            let known = merged.keys.sorted()
            switch random.below(5) {
            case 0 where !known.isEmpty:
                let path = known[random.below(known.count)]
                Self.remove(path, &merged)
                opaque = opaque.filter { !$0.isWithin(path) }
            case 1 where !known.isEmpty:
                // Another thing in its place, perhaps of the same kind.
                let path = known[random.below(known.count)]
                Self.remove(path, &merged)
                opaque = opaque.filter { !$0.isWithin(path) }
                let thing = anyThing(at: path)
                merged[path] = thing
                if case .directory = thing { opaque.insert(path) }
            case 2 where !known.isEmpty:
                let path = known[random.below(known.count)]
                switch merged[path] {
                case .file(let text, _)?: merged[path] = .file(text, anyMode([0o644, 0o640, 0o755]))
                case .directory?: merged[path] = .directory(anyMode([0o755, 0o711, 0o500]))
                default: break
                }
            default:
                let path = anyPlace(merged)
                guard merged[path] == nil else { continue }
                let thing = anyThing(at: path)
                merged[path] = thing
                if case .directory = thing { opaque.insert(path) }
            }
        }
        try writeLayer()
    }

    /// As overlayfs leaves it: what is new or changed with its directories, and a whiteout for what is gone.
    private func writeLayer() throws {
        var layer: [TreePath: Thing] = [:]
        for (path, thing) in merged where lower[path] != thing || isHidden(path) || opaque.contains(path) {
            layer[path] = thing
            var parent = path.parent
            while parent != .root {
                layer[parent] = merged[parent]
                parent = parent.parent
            }
        }
        var whiteouts: [TreePath] = []
        for path in lower.keys where merged[path] == nil {
            // In something that is gone itself, or was made anew, nothing is said of it.
            guard path.parent == .root || isDirectory(merged[path.parent]), !isHidden(path) else { continue }
            whiteouts.append(path)
            var parent = path.parent
            while parent != .root {
                layer[parent] = merged[parent]
                parent = parent.parent
            }
        }
        try Self.write(
            layer, below: ground.upper, whiteouts: whiteouts, opaque: opaque.filter { isDirectory(merged[$0]) })
    }

    private func isDirectory(_ thing: Thing?) -> Bool { if case .directory? = thing { true } else { false } }

    /// Whether something above was made anew, so that the workspace's own does not show.
    private func isHidden(_ path: TreePath) -> Bool { opaque.contains { $0 != path && path.isWithin($0) } }

    // MARK: traps

    mutating func plantTraps() throws {
        let root = try FileSystem.openDirectory(ground.upper)
        for kind in 0..<7 where random.below(2) == 0 {
            let name = Array("trap-\(kind)".utf8)
            let path = ground.path("upper/trap-\(kind)")
            switch kind {
            case 0: mkfifo(path, 0o666)
            case 1: symlink(["/etc", "../outside/secret", "a/../../outside"][random.below(3)], path)
            case 2:
                try ground.put("x", at: "upper/trap-2", mode: 0o4755)
            case 3:
                try FileSystem.makeDirectoryEntry(name, in: root.number, mode: 0o755)
                try ground.put("x", at: "upper/trap-3/in")
                try ground.attribute("user.overlay.redirect", "/outside", of: "upper/trap-3")
                traps.insert("trap-3/in")
            case 4:
                try ground.put("", at: "upper/trap-4")
                try ground.attribute("user.overlay.metacopy", "", of: "upper/trap-4")
            case 5: try ground.put("x", at: "upper/.remit-\(Ground.session)-5")
            default:
                try ground.put("x", at: "upper/trap-6")
                try ground.attribute("user.overlay.overlay.opaque", "y", of: "upper/trap-6")
            }
            traps.insert(kind == 5 ? ".remit-\(Ground.session)-5" : "trap-\(kind)")
        }
    }

    // MARK: on disk

    private static func write(
        _ tree: [TreePath: Thing], below place: String, whiteouts: [TreePath] = [], opaque: Set<TreePath> = []
    ) throws {
        let root = DescriptorBox(try FileSystem.openDirectory(place))
        func parent(_ path: TreePath) throws -> DescriptorBox {
            var current = root
            for name in path.parent.names {
                current = DescriptorBox(try FileSystem.openEntry(name, in: current.number, FileSystem.directoryEntry))
            }
            return current
        }
        for path in (Array(tree.keys) + whiteouts).sorted() {
            let directory = try parent(path)
            switch tree[path] {
            case .file(let text, let mode)?:
                let file = try FileSystem.createEntry(path.name, in: directory.number)
                try FileSystem.writeAll(file.number, Array(text.utf8), name: "\(path)")
                try FileSystem.setMode(of: file.number, mode)
            case .link(let target)?:
                try FileSystem.makeLinkEntry(path.name, to: Array(target.utf8), in: directory.number)
            case .directory?:
                try FileSystem.makeDirectoryEntry(path.name, in: directory.number, mode: 0o700)
            case nil:
                let name = path.name.map { CChar(bitPattern: $0) } + [0]
                guard mknodat(directory.number, name, S_IFCHR, 0) == 0 else {
                    throw SystemCallError("make a whiteout", .last)
                }
            }
            guard opaque.contains(path) else { continue }
            let made = try FileSystem.openEntry(path.name, in: directory.number, FileSystem.directoryEntry)
            try FileSystem.setAttribute(Array("user.overlay.opaque".utf8), [0x79], of: made.number)
        }
        // From the bottom up, for a directory nobody may enter takes no more files.
        for path in tree.keys.sorted().reversed() {
            guard case .directory(let mode)? = tree[path] else { continue }
            let directory = try parent(path)
            try FileSystem.setMode(ofEntry: path.name, in: directory.number, mode)
        }
    }
}
