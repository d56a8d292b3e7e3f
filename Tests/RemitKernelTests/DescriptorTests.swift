// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@Suite struct DescriptorTests {
    @Test func `an owned descriptor is closed when its owner goes`() throws {
        let both = try pipe()
        func use(_ writer: consuming OwnedDescriptor) {}
        use(try both.write.duplicate())
        var number: CInt = -1
        do {
            let copy = try both.read.duplicate()
            number = copy.number
            #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
            #expect(number > 2)
        }
        // Another test may have been given the number meanwhile, but not for a pipe's reading end of ours.
        #expect(number >= 0)
    }

    @Test func `a released descriptor stays open`() throws {
        let both = try pipe()
        let number = try both.read.duplicate().release()
        #expect(fcntl(number, F_GETFD) >= 0)
        #expect(close(number) == 0)
    }

    @Test func `a box says -1 once it is closed`() throws {
        let box = DescriptorBox(try FileSystem.open("/dev/null"))
        #expect(box.isOpen && box.number >= 0)
        box.close()
        box.close()
        #expect(!box.isOpen && box.number == -1)
    }

    @Test func `closing what is not open stops the process`() async {
        await #expect(processExitsWith: .failure) {
            let wrong = OwnedDescriptor(adopting: 987_654)
            _ = wrong.number
        }
    }

    @Test func `an error says what was tried, on what, and why`() {
        #expect { _ = try FileSystem.open("/nonexistent/file") } throws: {
            "\($0)" == "open `/nonexistent/file`: no such file or directory"
        }
        #expect(Errno(code: 12345).description.contains("12345"))
    }
}
