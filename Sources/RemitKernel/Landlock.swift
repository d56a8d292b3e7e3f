// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// What the running kernel's Landlock can do, see landlock(7).
package struct LandlockSupport: Hashable, Sendable {
    /// The ABI version; 0 when the kernel has no Landlock or it is switched off.
    package let abi: Int
    /// Fixed errata as a bit mask (bit n-1 = erratum n).
    package let errata: UInt32

    package init(abi: Int, errata: UInt32) {
        self.abi = abi
        self.errata = errata
    }

    /// Asks the kernel.
    package static func probe() -> LandlockSupport {
        let abi = linux_landlock_create_ruleset(nil, 0, 1)
        guard abi > 0 else { return LandlockSupport(abi: 0, errata: 0) }
        let errata = linux_landlock_create_ruleset(nil, 0, 2)
        return LandlockSupport(abi: Int(abi), errata: errata >= 0 ? UInt32(errata) : 0)
    }
}

/// The rights a ruleset takes away unless a rule gives them back: all those both we and the kernel know.
package struct LandlockRuleset: Hashable, Sendable {
    /// The newest ABI whose rights are known here and tested.
    package static let testedABI = 7

    package let abi: Int
    package let handledFiles: UInt64
    package let handledNetwork: UInt64
    package let scopes: UInt64

    /// - Parameter support: what the kernel has; its ABI must be at least 1.
    package init(for support: LandlockSupport) {
        abi = min(support.abi, Self.testedABI)
        let bits: UInt64 = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13
        handledFiles = (1 << bits) - 1
        // The sandbox's own loopback is all the network there is, and test suites need it: nothing to add here.
        handledNetwork = 0
        scopes = abi >= 6 ? 0x3 : 0
    }

    /// The attribute structure, only as long as this ABI knows it: an older kernel refuses more.
    var attributeBytes: [UInt8] {
        let words = [handledFiles] + (abi >= 4 ? [handledNetwork] : []) + (abi >= 6 ? [scopes] : [])
        return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    }

    /// Rights to look at and read.
    package var read: UInt64 { handledFiles & (Self.readFile | Self.readDirectory) }
    /// Rights to read and execute.
    package var readExecute: UInt64 { handledFiles & (Self.readFile | Self.readDirectory | Self.execute) }
    /// Everything except making device nodes, which no agent may.
    package var write: UInt64 { handledFiles & ~(Self.makeCharacterDevice | Self.makeBlockDevice) }
    /// Rights to list a directory.
    package var list: UInt64 { handledFiles & Self.readDirectory }
    /// Rights to use a device or a terminal that is there already.
    package var device: UInt64 {
        handledFiles & (Self.readFile | Self.readDirectory | Self.writeFile | Self.truncate | Self.ioctlDevice)
    }
    /// What can be said of a file that is not a directory.
    package func ofFile(_ rights: UInt64) -> UInt64 {
        rights & (Self.execute | Self.writeFile | Self.readFile | Self.truncate | Self.ioctlDevice)
    }

    package static let execute: UInt64 = 1 << 0
    package static let writeFile: UInt64 = 1 << 1
    package static let readFile: UInt64 = 1 << 2
    package static let readDirectory: UInt64 = 1 << 3
    private static let makeCharacterDevice: UInt64 = 1 << 6
    package static let makeFile: UInt64 = 1 << 8
    private static let makeBlockDevice: UInt64 = 1 << 11
    private static let truncate: UInt64 = 1 << 14
    private static let ioctlDevice: UInt64 = 1 << 15
}
