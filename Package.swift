// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let strictC: [CSetting] = [
    .define("_GNU_SOURCE"),
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "remit",
    products: [
        .executable(name: "remit", targets: ["remit"]),
        .executable(name: "remit-egress", targets: ["remit-egress"]),
        .executable(name: "remit-provider-postgres", targets: ["remit-provider-postgres"]),
        .executable(name: "remit-probe", targets: ["remit-probe"]),
        .library(name: "Cedar", targets: ["Cedar"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ],
    targets: [
        // The C side: system calls Glibc lacks, the code that runs between clone3 and execve, and three libraries.
        .target(name: "CLinux", cSettings: strictC),
        .target(name: "CLaunch", dependencies: ["CLinux"], cSettings: strictC),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CBrotli", pkgConfig: "libbrotlidec", providers: [.apt(["libbrotli-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        // The policy language. It imports nothing of ours, and is a product of its own.
        .target(name: "Cedar", exclude: ["README.md"], swiftSettings: strict),

        // Leaves: the kernel, hosts and what may be said to them, and files people write.
        .target(name: "RemitKernel", dependencies: ["CLinux", "CLaunch", "CSeccomp"], swiftSettings: strict),
        .target(name: "RemitNetwork", swiftSettings: strict),
        .target(name: "RemitTask", dependencies: ["CYaml", "RemitNetwork"], swiftSettings: strict),

        // One concern each.
        .target(name: "RemitJournal", dependencies: ["RemitKernel", crypto], swiftSettings: strict),
        .target(
            name: "RemitWorkspace", dependencies: ["RemitJournal", "RemitKernel", "RemitTask", crypto],
            swiftSettings: strict
        ),
        .target(name: "RemitIdentity", dependencies: ["RemitKernel", crypto], swiftSettings: strict),
        .target(name: "RemitLeases", dependencies: ["RemitKernel"], swiftSettings: strict),
        .target(
            name: "RemitGate", dependencies: ["RemitNetwork", "RemitJournal", "RemitKernel", crypto],
            swiftSettings: strict
        ),
        .target(
            name: "RemitSandbox", dependencies: ["RemitKernel", "RemitNetwork", "RemitTask", "RemitJournal"],
            swiftSettings: strict
        ),

        // The supervisor and the command.
        .target(
            name: "RemitSession",
            dependencies: [
                "CLinux", "RemitKernel", "RemitTask", "RemitJournal", "RemitIdentity", "RemitLeases", "RemitSandbox",
                "RemitNetwork", "RemitGate", "RemitWorkspace", crypto,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "remit",
            dependencies: [
                "RemitSession", "RemitKernel", "RemitTask", "RemitJournal", "RemitLeases", "RemitSandbox",
                "RemitNetwork",
                "RemitGate", "RemitWorkspace", "Cedar", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        // The egress gate: a program of its own, so that what reads the network's bytes and holds secrets is neither the
        // supervisor nor a part of its start.
        .target(
            name: "RemitEgress",
            dependencies: [
                "CLinux", "CZlib", "CBrotli", "RemitNetwork", "RemitGate", "RemitJournal", "RemitKernel", crypto,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(name: "remit-egress", dependencies: ["RemitEgress"], swiftSettings: strict),
        .executableTarget(
            name: "remit-provider-postgres",
            dependencies: ["CPostgres"],
            swiftSettings: strict
        ),

        // Tries what no agent may do: run inside sessions, and unconfined where each attempt must succeed.
        .executableTarget(name: "remit-probe", cSettings: strictC),

        // Tests: one folder a module, and the built binary as a black box.
        .target(name: "RemitTesting"),
        .testTarget(name: "CedarTests", dependencies: ["Cedar"]),
        .testTarget(
            name: "RemitEgressTests",
            dependencies: [
                "RemitEgress", "RemitNetwork", "RemitGate", "RemitJournal", "RemitKernel", crypto,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
            ]
        ),
        .testTarget(name: "RemitKernelTests", dependencies: ["RemitKernel"]),
        .testTarget(name: "RemitNetworkTests", dependencies: ["RemitNetwork"]),
        .testTarget(
            name: "RemitGateTests", dependencies: ["RemitGate", "RemitNetwork", "RemitJournal", "RemitKernel"]),
        .testTarget(name: "RemitTaskTests", dependencies: ["RemitTask", "RemitNetwork"]),
        .testTarget(name: "RemitJournalTests", dependencies: ["RemitJournal", "RemitKernel", crypto]),
        .testTarget(name: "RemitWorkspaceTests", dependencies: ["RemitWorkspace", "RemitKernel", "RemitTask"]),
        .testTarget(name: "RemitIdentityTests", dependencies: ["RemitIdentity", "RemitKernel", crypto]),
        .testTarget(name: "RemitLeasesTests", dependencies: ["RemitLeases", "RemitKernel", "remit-provider-postgres"]),
        .testTarget(
            name: "RemitSandboxTests",
            dependencies: ["RemitSandbox", "RemitKernel", "RemitNetwork", "RemitTask", "RemitJournal"],
            resources: [.copy("Resources")]
        ),
        .testTarget(
            name: "RemitSessionTests",
            dependencies: [
                "RemitSession", "RemitKernel", "RemitTask", "RemitJournal", "RemitLeases", "RemitSandbox",
                "RemitNetwork", "RemitGate",
            ]
        ),
        .testTarget(name: "CLITests", dependencies: ["RemitTesting"], resources: [.copy("Resources")]),
    ],
    swiftLanguageModes: [.v6]
)
