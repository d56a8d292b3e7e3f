// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite struct FilterCacheTests {
    let scratch: Scratch
    let cache: FilterCache

    init() throws {
        scratch = try Scratch()
        cache = FilterCache(directory: "\(scratch.path)/cache")
    }

    private let compiled: [UInt8] = [0x20, 0, 0, 0, 4, 0, 0, 0] + [6, 0, 0, 0, 0, 0, 0xff, 0x7f]

    /// How often the filter was compiled, and what came.
    private func ask(
        _ changes: ProfileSystemCalls = ProfileSystemCalls(), notify: Bool = true, stage: Int = 0
    ) throws -> (count: Int, filter: [UInt8]) {
        var count = 0
        let filter = try cache.filter(for: changes, notify: notify, stage: stage) { () throws(SandboxError) in
            count += 1
            return compiled
        }
        return (count, filter)
    }

    private var file: String {
        get throws {
            "\(scratch.path)/cache/" + (try #require(try FileSystem.names(in: "\(scratch.path)/cache").first))
        }
    }

    @Test func `a filter is compiled once`() throws {
        #expect(try ask().count == 1)
        let again = try ask()
        #expect(again.count == 0 && again.filter == compiled)
    }

    @Test func `other rules are another filter`() throws {
        _ = try ask()
        #expect(try ask(notify: false).count == 1)
        #expect(try ask(ProfileSystemCalls(allow: ["sysfs"])).count == 1)
        #expect(try ask(ProfileSystemCalls(deny: ["sysfs"])).count == 1)
        #expect(try ask(ProfileSystemCalls(allow: ["ustat"], deny: ["sysfs"])).count == 1)
        #expect(try ask(stage: 1).count == 1)
        #expect(try ask().count == 0 && (try ask(stage: 1).count) == 0)
    }

    @Test func `a file that was changed, cut, opened to others or swapped for a link is compiled anew`() throws {
        _ = try ask()
        let path = try file
        let written = try FileSystem.read(path, limit: 1 << 20)
        for index in [0, 5, written.count - 1] {
            var changed = written
            changed[index] ^= 1
            try FileSystem.replace(path, with: changed, mode: 0o600)
            let answer = try ask()
            #expect(answer.count == 1 && answer.filter == compiled, "byte \(index)")
        }
        for length in [0, 7, 8, written.count - 8, written.count - 1] {
            try FileSystem.replace(path, with: Array(written.prefix(length)), mode: 0o600)
            #expect(try ask().count == 1, "\(length) bytes")
        }
        chmod(path, 0o666)
        #expect(try ask().count == 1)
        rename(path, "\(scratch.path)/elsewhere")
        symlink("\(scratch.path)/elsewhere", path)
        #expect(try ask().count == 1)
    }

    @Test func `what cannot be compiled is not kept`() throws {
        #expect(throws: SandboxError.self) {
            try cache.filter(for: ProfileSystemCalls(), notify: true) { () throws(SandboxError) in
                throw SandboxError("no")
            }
        }
        #expect(try ask().count == 1)
    }

    @Test func `without a place to keep it a filter is compiled each time`() throws {
        let nowhere = FilterCache(directory: "/proc/nowhere")
        for _ in 0..<2 {
            var count = 0
            _ = try nowhere.filter(for: ProfileSystemCalls(), notify: true) { () throws(SandboxError) in
                count += 1
                return compiled
            }
            #expect(count == 1)
        }
    }
}
