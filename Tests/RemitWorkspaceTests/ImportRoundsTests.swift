// SPDX-License-Identifier: Apache-2.0
// Random workspaces, random changes, and somebody who moves things about while they are applied. REMIT_ROUNDS says how
// many rounds; `make review` makes a thousand.

import Foundation
import Glibc
import RemitKernel
import Synchronization
import Testing

@testable import RemitWorkspace

@Suite(.serialized) struct ImportRoundsTests {
    static let rounds = ProcessInfo.processInfo.environment["REMIT_ROUNDS"].flatMap { Int($0) } ?? 60

    @Test func `what a session left is what is brought along, and nothing else is touched`() throws {
        for seed in 0..<UInt64(Self.rounds) {
            var world = try RandomWorld(seed: seed)
            try world.makeWorkspace()
            try world.ground.begin()
            try world.changeAtRandom()
            try world.plantTraps()
            let before = try world.ground.tree("outside")
            let watch = try Watch(world.ground)
            let results = try world.ground.apply(force: true)
            #expect(!watch.sawAnything(), "seed \(seed)")
            // Every trap is told of and refused, everything else is there.
            let missing = Set(results.filter(\.isMissing).map(\.change.path.description))
            #expect(missing == world.traps, "seed \(seed): \(missing.symmetricDifference(world.traps))")
            #expect(try world.ground.tree("work") == world.expected, "seed \(seed)")
            #expect(try world.ground.tree("outside") == before, "seed \(seed)")
            #expect(try Set(world.ground.changes().map(\.path.description)) == world.traps, "seed \(seed)")
        }
    }

    @Test func `an import in a workspace that somebody else moves about leaves it only for the workspace`() throws {
        var moves = 0
        for seed in 0..<UInt64(max(4, Self.rounds / 4)) {
            var world = try RandomWorld(seed: seed &+ 1_000_000)
            try world.makeWorkspace()
            try world.changeAtRandom()
            let ground = world.ground
            let before = try ground.tree("outside")
            let watch = try Watch(ground)
            let mover = try Mover(ground, seed: seed)
            // Some of it is refused, or fails; that is as it should be.
            for _ in 0..<6 { _ = try? ground.apply(force: true) }
            moves += mover.stop()
            #expect(!watch.sawAnything(), "seed \(seed)")
            #expect(try ground.tree("outside") == before, "seed \(seed)")
            // Left alone it comes to the end.
            #expect(try ground.apply(force: true).allSatisfy { $0.state == .applied }, "seed \(seed)")
            #expect(try ground.changes().isEmpty, "seed \(seed)")
        }
        // Of all rounds together: in a single one nobody may have come to it.
        #expect(moves > 0)
    }
}

/// Tells whether anybody looked into, changed or made anything outside of the workspace; see inotify(7).
final class Watch {
    private let descriptor: CInt

    init(_ ground: Ground) throws {
        descriptor = inotify_init1(CInt(IN_NONBLOCK) | CInt(IN_CLOEXEC))
        let writes = UInt32(IN_MODIFY | IN_ATTRIB | IN_MOVE | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)
        let everything = writes | UInt32(IN_ACCESS | IN_CLOSE_WRITE | IN_OPEN)
        for (path, mask) in [
            (ground.base, UInt32(IN_CREATE | IN_DELETE | IN_MOVE)), (ground.outside, writes),
            (ground.path("outside/secret"), everything),
        ] where inotify_add_watch(descriptor, path, mask) < 0 {
            throw SystemCallError("watch `\(path)`", .last)
        }
    }

    deinit { close(descriptor) }

    func sawAnything() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        return read(descriptor, &buffer, buffer.count) > 0
    }
}

/// Exchanges directories of the workspace with links that lead out of it, and files with other files, all the time.
final class Mover: @unchecked Sendable {
    // SAFETY: the two are atomic, everything else is set before the thread starts.
    private let isOver = Atomic<Bool>(false)
    private let count = Atomic<Int>(0)
    private let done = DispatchSemaphore(value: 0)

    init(_ ground: Ground, seed: UInt64) throws {
        let work = ground.workspace
        let root = DescriptorBox(try FileSystem.openDirectory(work))
        let names = try FileSystem.entries(of: root.number)
        let number = root.surrender() ?? -1
        let lure = Array(".lure".utf8)
        try FileSystem.makeLinkEntry(lure, to: Array("../outside".utf8), in: number)
        Thread.detachNewThread { [self] in
            var random = SplitMix(seed)
            while !isOver.load(ordering: .relaxed), !names.isEmpty {
                let name = names[random.below(names.count)]
                // The directory goes to where the link was, and comes back.
                for _ in 0..<2 {
                    if (try? FileSystem.renameEntry(name, in: number, to: lure, in: number, .exchanging)) != nil {
                        count.add(1, ordering: .relaxed)
                    }
                    usleep(UInt32(random.below(200)))
                }
            }
            // Whatever ended up where: what leads out goes, and everything else may stay.
            for name in names + [lure] {
                let target = try? FileSystem.target(ofEntry: name, in: number)
                if target == Array("../outside".utf8) {
                    try? FileSystem.removeEntry(name, in: number, isDirectory: false)
                }
            }
            try? FileSystem.removeEntryTree(lure, in: number)
            close(number)
            done.signal()
        }
    }

    /// How often something was exchanged.
    func stop() -> Int {
        isOver.store(true, ordering: .relaxed)
        done.wait()
        return count.load(ordering: .relaxed)
    }
}

/// A small generator with a seed: the same rounds everywhere.
struct SplitMix {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
