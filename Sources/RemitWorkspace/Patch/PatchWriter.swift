// SPDX-License-Identifier: Apache-2.0
// Changes as a patch that git(1) applies. git itself is not asked: it would read attributes and settings, and those are a
// part of what is being reviewed.

internal import Crypto
internal import RemitJournal
internal import RemitKernel

/// Writes the unified difference of a change.
package struct PatchWriter {
    private let upper: CInt
    private let workspace: CInt

    /// Larger files are told of as binary ones are.
    package static let sizeLimit: Int64 = 8 << 20

    /// Lines around a difference.
    private static let context = 3

    package init(upper: CInt, workspace: CInt) {
        self.upper = upper
        self.workspace = workspace
    }

    /// The patch of one change; nothing for a directory, which git does not know, and for what no patch can hold.
    package func patch(of change: Change) -> [UInt8] {
        if change.kind == .attributes { return [] }
        let (before, after) = (change.before.flatMap(Self.tracked), change.after.flatMap(Self.tracked))
        switch (before, after) {
        case (nil, nil): return []
        case (let before?, let after?) where before.kind == after.kind:
            let modes = (Self.mode(before), Self.mode(after))
            let header = modes.0 == modes.1 ? "" : "old mode \(modes.0)\nnew mode \(modes.1)\n"
            if change.kind == .mode { return header.isEmpty ? [] : opening(change, header) }
            let (old, new) = (read(change, before, isNew: false), read(change, after, isNew: true))
            if header.isEmpty, let text = old.text, text == new.text { return [] }
            return opening(change, header) + body(change, old, new, modes.0 == modes.1 ? " \(modes.0)" : "")
        default:
            var result: [UInt8] = []
            if let before {
                result += opening(change, "deleted file mode \(Self.mode(before))\n")
                result += body(change, read(change, before, isNew: false), nil, "")
            }
            if let after {
                result += opening(change, "new file mode \(Self.mode(after))\n")
                result += body(change, nil, read(change, after, isNew: true), "")
            }
            return result
        }
    }

    private static func tracked(_ node: Node) -> Node? { node.kind == .file || node.kind == .link ? node : nil }

    /// The three modes that git has.
    private static func mode(_ node: Node) -> String {
        node.kind == .link ? "120000" : node.mode & 0o100 != 0 ? "100755" : "100644"
    }

    /// One side of a difference.
    private struct Side {
        /// nil when they are no text that a patch holds.
        var text: [UInt8]?
        /// What git calls these contents.
        var blob: String
    }

    private func read(_ change: Change, _ node: Node, isNew: Bool) -> Side {
        if let target = node.target { return Side(text: target, blob: GitBlob.identifier(of: target)) }
        let view = MergedView(upper: upper, workspace: workspace)
        let opened = isNew ? try? view.open(change.path) : try? MergedView.open(change.path, below: workspace)
        guard let file = opened else { return Side(text: nil, blob: GitBlob.unknown) }
        guard node.size <= Self.sizeLimit,
            let bytes = try? FileSystem.readAll(file.number, limit: Int(Self.sizeLimit), name: "a file")
        else {
            let blob = try? GitBlob.identifier(of: file.number, size: node.size)
            return Side(text: nil, blob: blob ?? GitBlob.unknown)
        }
        return Side(text: bytes.prefix(8000).contains(0) ? nil : bytes, blob: GitBlob.identifier(of: bytes))
    }

    private func opening(_ change: Change, _ header: String) -> [UInt8] {
        Array("diff --git \(name("a/", change.path)) \(name("b/", change.path))\n\(header)".utf8)
    }

    private func body(_ change: Change, _ old: Side?, _ new: Side?, _ mode: String) -> [UInt8] {
        let blobs = [old, new].map { $0?.blob ?? GitBlob.unknown }
        var result = Array("index \(blobs[0])..\(blobs[1])\(mode)\n".utf8)
        let from = old == nil ? "/dev/null" : name("a/", change.path)
        let to = new == nil ? "/dev/null" : name("b/", change.path)
        // What is not there is an empty text.
        guard let before = old.map(\.text) ?? [], let after = new.map(\.text) ?? [] else {
            return result + Array("Binary files \(from) and \(to) differ\n".utf8)
        }
        if before == after { return result }
        result += Array("--- \(tabbed(from))\n+++ \(tabbed(to))\n".utf8)
        return result + hunks(before, after)
    }

    private func name(_ prefix: String, _ path: TreePath) -> String { QuotedText.of(Array(prefix.utf8) + path.bytes) }

    /// patch(1) ends a name at white space, unless a tab follows.
    private func tabbed(_ name: String) -> String { name.contains(" ") && !name.hasPrefix("\"") ? name + "\t" : name }

    private func hunks(_ old: [UInt8], _ new: [UInt8]) -> [UInt8] {
        let (oldLines, newLines) = (Self.lines(old), Self.lines(new))
        let lines = LineDiff.lines(oldLines, newLines)
        var result: [UInt8] = []
        var (oldAt, newAt) = (0, 0)
        var index = 0
        while index < lines.count {
            guard lines[index].kind != .common else {
                (oldAt, newAt, index) = (oldAt + 1, newAt + 1, index + 1)
                continue
            }
            // From the lines before the first difference to those after the last that is near enough.
            let start = max(0, index - min(Self.context, index))
            var end = index
            var next = index
            while next < lines.count, next <= end + 2 * Self.context {
                if lines[next].kind != .common { end = next }
                next += 1
            }
            let stop = min(lines.count, end + Self.context + 1)
            let part = lines[start..<stop]
            let lead = index - start
            let (oldStart, newStart) = (oldAt - lead, newAt - lead)
            let (oldCount, newCount) = (part.count { $0.kind != .added }, part.count { $0.kind != .removed })
            result += Array("@@ -\(range(oldStart, oldCount)) +\(range(newStart, newCount)) @@\n".utf8)
            for line in part { result += write(line, oldLines, newLines) }
            (oldAt, newAt, index) = (oldStart + oldCount, newStart + newCount, stop)
        }
        return result
    }

    private func range(_ start: Int, _ count: Int) -> String {
        count == 1 ? "\(start + 1)" : "\(count == 0 ? start : start + 1),\(count)"
    }

    private func write(_ line: DiffLine, _ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]) -> [UInt8] {
        let (sign, text) =
            switch line.kind {
            case .common: (UInt8(ascii: " "), old[line.index])
            case .removed: (UInt8(ascii: "-"), old[line.index])
            case .added: (UInt8(ascii: "+"), new[line.index])
            }
        let ending = text.last == UInt8(ascii: "\n") ? "" : "\n\\ No newline at end of file\n"
        return [sign] + text + Array(ending.utf8)
    }

    /// Lines with their ends, so that a last line without one is another line.
    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
            result.append(bytes[start..<end])
            start = end
        }
        return result
    }
}

/// The names that git gives to contents: SHA-1 of `blob SIZE`, NUL and the contents.
private enum GitBlob {
    /// Also what git writes for nothing at all.
    static let unknown = String(repeating: "0", count: 40)

    static func identifier(of bytes: [UInt8]) -> String {
        var hasher = Insecure.SHA1()
        hasher.update(data: Array("blob \(bytes.count)\0".utf8))
        hasher.update(data: bytes)
        return Hex.encode(hasher.finalize())
    }

    /// Of a large file; one above the limit of the layer's digest is not read.
    static func identifier(of file: CInt, size: Int64) throws(SystemCallError) -> String {
        guard size <= LayerDigest.fileLimit else { return unknown }
        var hasher = Insecure.SHA1()
        hasher.update(data: Array("blob \(size)\0".utf8))
        try FileSystem.readPieces(file, name: "a file") { hasher.update(data: $0) }
        return Hex.encode(hasher.finalize())
    }
}
