// SPDX-License-Identifier: Apache-2.0
// Whether a program would run: the file itself, and whatever the kernel runs or loads for it, see execve(2).

internal import RemitKernel
internal import RemitTask

extension PlannedRoot {
    /// What the first bytes of a file say about how it is run.
    enum ProgramKind: Hashable, Sendable {
        /// A script, and the interpreter it names.
        case script(String)
        /// A program for this machine, and the loader it asks for; a static one asks for none.
        case native(loader: String?)
        /// A program for another kind of machine: every system call of its would be another architecture's.
        case foreign
        /// Nothing the kernel knows; a shell would take it for a script of its own.
        case unknown
    }

    /// Whether a program may be run: by its path, or by its name along `PATH`.
    package func answer(toRun program: String, searching path: String) -> Answer {
        if program.contains("/") { return run(program, depth: 0) }
        let candidates = path.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(program)" }
        var first: Answer?
        for candidate in candidates {
            let answer = run(candidate, depth: 0)
            let named = Answer(program, resolved: answer.resolved, answer.opinions)
            if answer.isAllowed { return named }
            // As execvp(3) does: one that may not be run is worth telling before one that is not there.
            if first == nil, case .file? = answer.resolved.map({ resolve($0).node }) { first = named }
        }
        let nowhere = Opinion(
            "mounts", .denies, "there is no `\(program)` in any directory of PATH (\(path))",
            line: .profile("environment.set.PATH"))
        return first ?? Answer(program, resolved: nil, [nowhere])
    }

    /// The kernel follows as many interpreters of interpreters.
    private static let deepest = 4

    private func run(_ path: String, depth: Int) -> Answer {
        let place = resolve(path)
        var opinions = opinions(on: place, to: .execute)
        if place.node == .file { opinions += programOpinions(place, depth: depth) }
        return Answer(path, resolved: place.path, opinions)
    }

    private func programOpinions(_ place: Place, depth: Int) -> [Opinion] {
        var opinions: [Opinion] = []
        if let facts = place.facts, facts.mode & 0o6000 != 0 {
            opinions.append(
                Opinion("program", .silent, "its set-id bit does nothing: the mount is nosuid, and no_new_privs is set")
            )
        }
        guard let bytes = contents(of: place) else {
            return opinions + [Opinion("program", .silent, "what it is cannot be read from here")]
        }
        switch Self.kind(of: bytes) {
        case .script(let interpreter):
            guard depth < Self.deepest else {
                return opinions + [Opinion("program", .denies, "too many interpreters of interpreters")]
            }
            let answer = run(interpreter, depth: depth + 1)
            opinions.append(needs("interpreter", interpreter, answer))
        case .native(let loader?): opinions.append(needs("loader", loader, run(loader, depth: Self.deepest)))
        case .native(nil): opinions.append(Opinion("program", .allows, "a static program for this machine"))
        case .foreign:
            opinions.append(
                Opinion("seccomp", .denies, "a program for another kind of machine: its first system call ends it"))
        case .unknown:
            opinions.append(Opinion("program", .denies, "it is neither a script with `#!` nor a program (ENOEXEC)"))
        }
        return opinions
    }

    private func needs(_ what: String, _ path: String, _ answer: Answer) -> Opinion {
        guard !answer.isAllowed, let why = answer.decisive else {
            return Opinion("program", .allows, "its \(what) `\(path)` may be run")
        }
        return Opinion(
            "program", .denies, "its \(what) `\(path)` may not be run: \(why.layer): \(why.detail)", line: why.line)
    }

    private func contents(of place: Place) -> [UInt8]? {
        if case .file(let bytes, _)? = entries[place.path], place.hostPath == nil { return bytes }
        guard let host = place.hostPath, let file = try? FileSystem.open(host, FileSystem.noFollow),
            let facts = try? FileSystem.facts(of: file.number), facts.isRegular
        else { return nil }
        return try? FileSystem.readStart(file.number, count: 4096, name: host)
    }

    static func kind(of bytes: [UInt8]) -> ProgramKind {
        if bytes.starts(with: Array("#!".utf8)) {
            let line = bytes.dropFirst(2).prefix(254).prefix { $0 != 10 }
            let words = line.split { $0 == 32 || $0 == 9 }
            return words.first.map { .script(String(decoding: $0, as: UTF8.self)) } ?? .unknown
        }
        guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]), bytes.count >= 64 else { return .unknown }
        func number(_ offset: Int, _ count: Int) -> Int {
            guard offset >= 0, offset + count <= bytes.count else { return 0 }
            return (0..<count).reversed().reduce(0) { ($0 << 8 | Int(bytes[offset + $1])) & 0xffff_ffff_ffff }
        }
        #if arch(x86_64)
        let machine = 62
        #else
        let machine = 183
        #endif
        // 64 bits, little-endian, of this machine.
        guard bytes[4] == 2, bytes[5] == 1, number(18, 2) == machine else { return .foreign }
        let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2))
        for index in 0..<min(count, 64) {
            let header = table + index * size
            // PT_INTERP
            guard number(header, 4) == 3 else { continue }
            let (offset, length) = (number(header + 8, 8), number(header + 32, 8))
            guard length > 1, offset + length <= bytes.count else { return .native(loader: nil) }
            return .native(loader: String(decoding: bytes[offset..<offset + length].prefix { $0 != 0 }, as: UTF8.self))
        }
        return .native(loader: nil)
    }
}
