// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0
// Fuzzing of every parser that reads hostile bytes: a package of its own, so that the product never builds it. Its modules
// are the product's, through a symbolic link, with libFuzzer's instrumentation. See scripts/fuzz.

import PackageDescription

// Optimised, since speed is what finds things; overflow and bounds are checked nevertheless.
let fuzzed = SwiftSetting.unsafeFlags(["-sanitize=fuzzer", "-O"])
let instrumented: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    fuzzed,
]
let gnu: [CSetting] = [.define("_GNU_SOURCE")]
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "remit-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .target(name: "CLinux", cSettings: gnu),
        .target(name: "CLaunch", dependencies: ["CLinux"], cSettings: gnu),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp"),
        .target(name: "RemitKernel", dependencies: ["CLinux", "CLaunch", "CSeccomp"], swiftSettings: instrumented),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CBrotli", pkgConfig: "libbrotlidec"),
        .target(name: "Cedar", exclude: ["README.md"], swiftSettings: instrumented),
        .target(name: "RemitNetwork", swiftSettings: instrumented),
        .target(name: "RemitTask", dependencies: ["CYaml", "RemitNetwork"], swiftSettings: instrumented),
        .target(name: "RemitJournal", dependencies: ["RemitKernel", crypto], swiftSettings: instrumented),
        .target(name: "RemitIdentity", dependencies: ["RemitKernel", crypto], swiftSettings: instrumented),
        .target(name: "RemitLeases", dependencies: ["RemitKernel"], swiftSettings: instrumented),
        .target(
            name: "RemitGate", dependencies: ["RemitNetwork", "RemitJournal", "RemitKernel", crypto],
            swiftSettings: instrumented
        ),
        .target(
            name: "RemitSandbox", dependencies: ["RemitKernel", "RemitTask", "RemitJournal", "RemitNetwork"],
            swiftSettings: instrumented
        ),
        // Only what reads bytes: the rest would bring TLS along, and be instrumented for nothing.
        .target(
            name: "RemitEgress",
            dependencies: [
                "RemitNetwork", "RemitGate", "RemitKernel", "CZlib", "CBrotli", crypto,
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            sources: [
                "HTTP/ConnectionOptions.swift", "HTTP/FramingError.swift", "HTTP/HTTP1RequestDecoder.swift",
                "HTTP/HTTP1ResponseDecoder.swift", "HTTP/HTTPBodyDecoder.swift", "HTTP/HTTPBodyFraming.swift",
                "HTTP/HTTPLimits.swift", "HTTP/HTTPRequestHead.swift", "HTTP/HTTPResponseHead.swift",
                "HTTP/HeadScanner.swift", "HTTP/HeaderFields+Lists.swift", "HTTP/RequestTarget.swift",
                "HTTP/HTTP1Encoder.swift", "HTTP/WebSocketFrames.swift", "Secrets", "Models",
                "Names/NameQuery.swift", "Names/NameReply.swift", "Names/RecordType.swift",
                "Relay/ByteReader.swift", "Relay/ClientHello.swift", "Relay/ClientOpening.swift",
                "Relay/GuardedOpening.swift", "Relay/ProxyOpening.swift", "Relay/SocksRequest.swift",
            ],
            swiftSettings: instrumented
        ),
        // What reads an agent's output, and what attached clients say.
        .target(
            name: "RemitSession", dependencies: ["RemitKernel"],
            sources: [
                "Terminal/AttachFrame.swift", "Terminal/ControlSequence.swift", "Terminal/DetachKeys.swift",
                "Terminal/Scrollback.swift", "Terminal/TerminalFilter.swift", "Terminal/TerminalModes.swift",
                "Terminal/TerminalRules.swift",
            ],
            swiftSettings: instrumented
        ),
        .target(name: "CFuzzer", path: "CFuzzer"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CFuzzer", "RemitKernel", "RemitTask", "RemitJournal", "RemitIdentity", "RemitLeases", "RemitSandbox",
                "RemitNetwork", "RemitGate", "RemitEgress", "RemitSession", "Cedar",
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Fuzz",
            swiftSettings: [fuzzed]
        ),
    ],
    swiftLanguageModes: [.v6]
)
