// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// The host's processes, as /proc shows them.
package enum ProcessTable {
    /// One process.
    package struct Entry: Hashable, Sendable, CustomStringConvertible {
        package let pid: Int32
        package let arguments: [String]

        package var description: String { "\(pid): \(arguments.joined(separator: " ").prefix(200))" }
    }

    /// Every process that is not a zombie and has an argument containing `marker`.
    package static func processes(marked marker: String) -> [Entry] {
        all().filter { $0.arguments.contains { $0.contains(marker) } }
    }

    /// The same without the supervisor, the guard and init: what runs another program than `binary`.
    package static func agents(marked marker: String, binary: String) -> [Entry] {
        processes(marked: marker).filter { $0.arguments.first != binary && $0.pid != getpid() }
    }

    /// Kills every process that has one of the markers among its arguments.
    package static func kill(marked markers: [String]) {
        for entry in all() where entry.pid != getpid() {
            let isMarked = entry.arguments.contains { argument in markers.contains { argument.contains($0) } }
            if isMarked { Glibc.kill(entry.pid, SIGKILL) }
        }
    }

    /// The children of a process.
    package static func children(of pid: Int32) -> [Int32] {
        numbers().filter { parent(of: $0) == pid }
    }

    /// The children of a process, theirs, and so on.
    package static func descendants(of pid: Int32) -> [Int32] {
        children(of: pid).flatMap { [$0] + descendants(of: $0) }
    }

    /// The parent of a process; nil when there is no such process.
    package static func parent(of pid: Int32) -> Int32? {
        status(of: pid)["PPid"].flatMap { Int32($0) }
    }

    /// What /proc/PID/status says, by name.
    package static func status(of pid: Int32) -> [String: String] {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return [:] }
        var result: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            result[String(line[..<colon])] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return result
    }

    /// The environment and the arguments of every process that may be read, as bytes, and whether it is the first or a
    /// later process of a pid namespace below ours.
    package static func readableMemory() -> [(pid: Int32, isInner: Bool, what: String, bytes: [UInt8])] {
        var found: [(pid: Int32, isInner: Bool, what: String, bytes: [UInt8])] = []
        for pid in numbers() {
            // Looked at first: a short-lived process may be gone after its memory was read.
            let isInner = status(of: pid)["NSpid"]?.contains("\t") == true
            for what in ["environ", "cmdline"] {
                guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/\(what)") else { continue }
                found.append((pid, isInner, what, Array(bytes)))
            }
        }
        return found
    }

    private static func all() -> [Entry] {
        numbers().compactMap { pid in
            guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"), !bytes.isEmpty else {
                return nil
            }
            let arguments = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return Entry(pid: pid, arguments: arguments)
        }
    }

    private static func numbers() -> [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
    }
}
