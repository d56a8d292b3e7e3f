// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitNetwork

struct HostNameTests {
    @Test func `a name is canonical in case and without the dot of the root`() throws {
        #expect(try HostName("API.Example.COM.").text == "api.example.com")
    }
}
