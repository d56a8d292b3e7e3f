// SPDX-License-Identifier: Apache-2.0
// A workspace, a layer as overlayfs would have left it, and a place beside them that nobody may touch.

import Foundation
import Glibc
import RemitKernel
import RemitTask

@testable import RemitWorkspace

/// Three directories in one, gone when the test is.
final class Ground {
    static let session = "0123456789abcdef"

    let base: String
    var workspace: String { base + "/work" }
    var upper: String { base + "/upper" }
    var outside: String { base + "/outside" }

    init() throws {
        var template = Array("/tmp/rmw.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("make a directory", .last) }
        base = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for path in [workspace, upper, outside] { try FileSystem.makeDirectories(path, mode: 0o755) }
        try put("secret\n", at: "outside/secret")
    }

    deinit {
        guard let parent = try? FileSystem.open("/tmp", FileSystem.directoryEntry) else { return }
        try? FileSystem.removeEntryTree(Array(base.dropFirst(5).utf8), in: parent.number)
    }

    func path(_ name: String) -> String { "\(base)/\(name)" }

    func put(_ text: String, at name: String, mode: UInt32 = 0o644) throws {
        try FileSystem.makeDirectories(FileSystem.parent(of: path(name)), mode: 0o755)
        FileSystem.remove(path(name))
        let file = try FileSystem.create(path(name))
        try FileSystem.writeAll(file.number, Array(text.utf8), name: name)
        try FileSystem.setMode(of: file.number, mode)
    }

    func setMode(of name: String, _ mode: UInt32) throws {
        guard chmod(path(name), mode) == 0 else { throw SystemCallError("set a mode", .last) }
    }

    func whiteout(_ name: String) throws {
        try FileSystem.makeDirectories(FileSystem.parent(of: path("upper/\(name)")), mode: 0o755)
        // Device 0:0 needs no privilege.
        guard mknod(path("upper/\(name)"), S_IFCHR, 0) == 0 else { throw SystemCallError("make a whiteout", .last) }
    }

    func attribute(_ key: String, _ value: String, of name: String) throws {
        let file = try FileSystem.open(path(name), FileSystem.noFollow)
        try FileSystem.setAttribute(Array(key.utf8), Array(value.utf8), of: file.number)
    }

    func text(_ name: String) -> String? {
        (try? FileSystem.read(path(name), limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
    }

    func facts(_ name: String) -> FileSystem.Facts? { try? FileSystem.facts(at: path(name)) }

    /// Notes what the workspace is when the session begins.
    func begin() throws {
        FileSystem.remove(base + "/base")
        let root = try FileSystem.openDirectory(workspace)
        try BaseSnapshot.record(root.number, to: base + "/base")
    }

    func changes(allowed: [String]? = nil) throws -> [Change] {
        let above = try FileSystem.openDirectory(upper)
        let below = try FileSystem.openDirectory(workspace)
        var set = try ChangeSet(
            upper: above.number, workspace: below.number, reserved: Importer.reservedName(Self.session))
        set.judgeExecution(in: MergedView(upper: above.number, workspace: below.number))
        set.judge(allowed: allowed.map { $0.compactMap { PathPattern($0) } })
        if FileSystem.exists(base + "/base") {
            set.judge(since: BaseSnapshot(path: base + "/base", of: set.changes.map(\.path)))
        }
        return set.changes
    }

    /// `A path`, and the rules of its concerns.
    func listing(_ changes: [Change]) -> [String] {
        changes.map { change in
            ([change.letter, change.path.description] + change.concerns.map(\.rule).sorted()).joined(separator: " ")
        }
    }

    @discardableResult
    func apply(_ names: String..., force: Bool = false) throws -> [ImportResult] {
        let above = try FileSystem.openDirectory(upper)
        let below = try FileSystem.openDirectory(workspace)
        let selection = ImportSelection(names: names, isForced: force)
        let changes = try changes()
        let importer = try Importer(upper: above.number, workspace: below.number, session: Self.session)
        return try importer.apply(changes, selection.decisions(on: changes))
    }

    /// Every path below a directory with kind, mode and contents.
    func tree(_ name: String) throws -> [String: String] {
        var found: [String: String] = [:]
        func visit(_ directory: CInt, _ prefix: String) throws {
            for name in try FileSystem.entries(of: directory) {
                let path = prefix + QuotedText.of(name)
                let facts = try FileSystem.facts(ofEntry: name, in: directory)
                let node = Node(facts)
                switch node.kind {
                case .directory:
                    found[path] = node.modeText
                    try LayerReader.withEntry(name, facts, in: directory, isOurs: true) { try visit($0, path + "/") }
                case .link:
                    let target = try FileSystem.target(ofEntry: name, in: directory)
                    found[path] = "120 " + QuotedText.of(target)
                case .file:
                    try LayerReader.withEntry(name, facts, in: directory, isOurs: true) { file in
                        let contents = try FileSystem.readAll(file, limit: 1 << 24, name: path)
                        found[path] = "\(node.modeText) \(QuotedText.of(contents))"
                    }
                default: found[path] = node.modeText
                }
            }
        }
        let root = try FileSystem.openDirectory(path(name))
        try visit(root.number, "")
        return found
    }
}
