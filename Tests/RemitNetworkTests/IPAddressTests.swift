// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitNetwork

@Suite struct IPAddressTests {
    static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text), "\(text)") }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
        ("::1", "::1"), ("1::", "1::"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("::192.0.2.1", "::c000:201"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("1::2:0:0:3", "1::2:0:0:3"),
        ("0:0:1::", "0:0:1::"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ])
    func `an address has one form`(written: String, canonical: String) throws {
        let address = try Self.address(written)
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(networkBytes: address.networkBytes) == address)
    }

    @Test(arguments: [
        "", "1", "127.1", "127.0.1", "0x7f.0.0.1", "0177.0.0.1", "01.2.3.4", "1.2.3.4.", ".1.2.3.4", "1.2.3.256",
        "1.2.3.0000", "1.2.3.-4", "1.2.3.+4", "1.2.3.4/8", "1.2.3.4 ", " 1.2.3.4", "1.2.3.４", "2130706433", "[::1]",
        "::1%eth0", ":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:",
        "1:2:3:4::5:6:7:8", "12345::", "g::", "::ffff:127.0.0.01", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", ":", "::%",
        "1:2:3:4:5:6:7:1.2.3.4", "0:0:0:0:0:ffff:0127.0.0.1",
    ])
    func `a form that some programs read and others do not is no address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("::ffff:10.0.0.1", "10.0.0.1"), ("::10.0.0.1", "10.0.0.1"), ("::ffff:0:10.0.0.1", "10.0.0.1"),
        ("64:ff9b::10.0.0.1", "10.0.0.1"), ("64:ff9b:1:a00:0:100::", "10.0.0.1"), ("2002:a00:1::1", "10.0.0.1"),
        ("2001:0:1:2:3:4:f5ff:fffe", "10.0.0.1"), ("::1", "::1"), ("::", "::"), ("2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "10.0.0.1"),
    ])
    func `an address that carries another is found out`(written: String, carried: String) throws {
        #expect(try Self.address(written).canonical == Self.address(carried))
    }

    @Test(arguments: [
        ("8.8.8.8", AddressScope.global), ("2606:4700::1111", .global), ("0.0.0.0", .unspecified),
        ("0.1.2.3", .unspecified), ("::", .unspecified), ("127.0.0.1", .loopback), ("127.255.255.254", .loopback),
        ("::1", .loopback), ("::ffff:127.0.0.1", .loopback), ("::127.0.0.1", .loopback),
        ("64:ff9b::7f00:1", .loopback), ("2002:7f00:1::", .loopback), ("10.1.2.3", .privateUse),
        ("172.16.0.1", .privateUse), ("172.31.255.255", .privateUse), ("172.32.0.1", .global),
        ("192.168.1.1", .privateUse), ("fd12::1", .privateUse), ("fc00::1", .privateUse), ("169.254.1.1", .linkLocal),
        ("fe80::1", .linkLocal), ("fec0::1", .linkLocal), ("169.254.169.254", .metadata),
        ("::ffff:169.254.169.254", .metadata), ("64:ff9b::a9fe:a9fe", .metadata), ("2002:a9fe:a9fe::", .metadata),
        ("169.254.170.2", .metadata), ("fd00:ec2::254", .metadata), ("100.100.100.200", .metadata),
        ("168.63.129.16", .metadata), ("192.0.0.192", .metadata), ("fd20:ce::254", .metadata),
        ("fe80::a9fe:a9fe", .metadata), ("224.0.0.251", .multicast), ("ff02::1", .multicast),
        ("255.255.255.255", .broadcast), ("240.0.0.1", .reserved), ("100.64.0.1", .sharedCarrier),
        ("100.128.0.1", .global), ("192.0.2.1", .documentation), ("198.51.100.1", .documentation),
        ("203.0.113.1", .documentation), ("2001:db8::1", .documentation), ("3fff::1", .documentation),
        ("198.18.0.1", .benchmarking), ("198.19.255.255", .benchmarking), ("2001:2::1", .benchmarking),
        ("64:ff9b::8.8.8.8", .global), ("::ffff:8.8.8.8", .global), ("::8.8.8.8", .transition),
        ("2002:808:808::1", .transition), ("2001:0:1:2:3:4:f7f7:f7f7", .transition),
        ("64:ff9b:1:808:8:800::", .transition),
        ("192.88.99.1", .transition), ("100::1", .reserved), ("4000::1", .reserved), ("2001:10::1", .reserved),
        ("5f00::1", .reserved), ("1::1", .reserved), ("192.0.0.1", .reserved),
    ])
    func `what an address is for is known, in every disguise`(text: String, scope: AddressScope) throws {
        #expect(try Self.address(text).scope == scope)
    }

    @Test func `the tables of special addresses were read in full`() throws {
        // An entry that does not parse would be left out silently.
        #expect(IPAddress.specialCounts == [20, 16, 13])
    }

    @Test func `ranges hold what they say, and have no bits beyond`() throws {
        let range = try #require(Network("10.0.0.0/8"))
        #expect(range.contains(try Self.address("10.255.0.1")))
        #expect(!range.contains(try Self.address("11.0.0.0")))
        #expect(!range.contains(try Self.address("::ffff:10.0.0.1")))
        #expect(range.contains(try #require(Network("10.1.0.0/16"))))
        #expect(!range.contains(try #require(Network("0.0.0.0/0"))))
        let all = try #require(Network("::/0"))
        #expect(all.contains(try Self.address("ffff::1")))
        #expect(!all.contains(try Self.address("1.2.3.4")))
        let half = try #require(Network("2001:db8:0:1::/64"))
        #expect(half.contains(try Self.address("2001:db8:0:1:ffff::")))
        #expect(!half.contains(try Self.address("2001:db8::")))
        #expect(try #require(Network("2001:db8::/65")).contains(try Self.address("2001:db8::7fff:0:0:1")))
        #expect(try #require(Network("192.0.2.1")).isSingle)
        for wrong in [
            "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/+8", "/8", "10/8", "::/129", "a",
        ] {
            #expect(Network(wrong) == nil, "\(wrong)")
        }
    }

    @Test(arguments: [
        ("example.com", "example.com"), ("Example.com.:443", "example.com:443"), ("192.0.2.1:80", "192.0.2.1:80"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443"), ("[::1]", "[::1]"), ("[::ffff:10.0.0.1]:1", "10.0.0.1:1"),
    ])
    func `an authority is a host and perhaps a port`(written: String, canonical: String) throws {
        #expect(try Authority(parsing: written.utf8).description == canonical)
    }

    @Test(arguments: [
        "", ":443", "a.com:", "a.com:0", "a.com:65536", "a.com:0443", "a.com:44 3", "a.com:+443", "::1", "::1:80",
        "[::1", "[::1]x", "[::1]x:80", "[a.com]", "[192.0.2.1]", "[::1%lo]", "user@a.com", "user:pw@a.com:443",
        "a.com:443:443", "a.com/:443", "127.1:80", "0x7f.1", "a.com\0:443", "[[::1]]",
    ])
    func `whatever else stands in its place is refused`(text: String) {
        #expect(throws: HostNameError.self) { try Authority(parsing: text.utf8) }
    }
}
