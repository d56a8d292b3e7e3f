// SPDX-License-Identifier: Apache-2.0
// The environment that this process was given, and how secrets get out of it.

internal import Glibc

extension CurrentProcess {
    /// One variable of the environment, and no copy of any other. The corresponding function is `getenv(3)`.
    package static func variable(_ name: String) -> String? {
        unsafe getenv(name).flatMap { unsafe String(validatingCString: $0) }
    }

    /// The variables of these names that are there.
    package static func environment(of names: some Sequence<String>) -> [String: String] {
        var result: [String: String] = [:]
        for name in names { result[name] = variable(name) }
        return result
    }

    /// Takes variables out of the environment for good, and hands out what they held.
    ///
    /// A cloned process has all of this one's memory, and everybody who may look into a process reads the block that its
    /// environment came in (`/proc/PID/environ`): so each entry is overwritten where it stands, name and value, and what
    /// is kept of it is kept where no clone has it. Nobody may have copied the environment before.
    ///
    /// Not thread-safe, as nothing is that changes the environment.
    package static func takeVariables(_ names: Set<String>) -> [String: Secret] {
        names.isEmpty ? [:] : unsafe takeVariables(names, from: environ)
    }

    /// - Parameter block: pointers to entries `NAME=VALUE`, the last one nil.
    static func takeVariables(
        _ names: Set<String>, from block: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> [String: Secret] {
        var taken: [String: Secret] = [:]
        var next = unsafe block
        var kept = unsafe block
        while let entry = unsafe next.pointee {
            unsafe next += 1
            if let equals = unsafe strchr(entry, CInt(UInt8(ascii: "="))) {
                let nameLength = unsafe equals - entry
                let length = unsafe strlen(entry)
                let name = unsafe String(
                    decoding: UnsafeRawBufferPointer(start: entry, count: nameLength), as: UTF8.self)
                if names.contains(name) {
                    let value = unsafe UnsafeRawBufferPointer(start: equals + 1, count: length - nameLength - 1)
                    // Of two entries the first counts, as for getenv(3), and neither stays.
                    if taken[name] == nil { taken[name] = unsafe Secret(copying: value) }
                    unsafe explicit_bzero(entry, length)
                    continue
                }
            }
            unsafe kept.pointee = entry
            unsafe kept += 1
        }
        unsafe kept.pointee = nil
        return taken
    }
}
