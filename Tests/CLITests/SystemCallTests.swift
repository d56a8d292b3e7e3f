// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitTesting
import Testing

extension CLI {
    /// System calls that no agent may make, made from inside.
    @Suite struct SystemCallTests {
        private func results(_ place: Playground, _ group: String, options: [String] = []) throws -> [String: String] {
            let script = try resource("calls.py")
            let result = try place.remit(["run"] + options + ["--", "python3", "-c", script, group])
            #expect(result.exit == 0, "\(result)")
            return try result.json().members?.compactMapValues(\.text) ?? [:]
        }

        @Test func `no namespace and no mount can be made`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let results = try results(place, "first")
            #expect(results.count > 30)
            for (name, said) in results {
                let expected = name.hasPrefix("clone3") ? ["ENOSYS"] : ["EPERM"]
                #expect(expected.contains(said), "\(name): \(said)")
            }
        }

        @Test func `other processes, the kernel and the host's settings are out of reach`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let results = try results(place, "second")
            #expect(results.count > 25)
            for (name, said) in results { #expect(said == "EPERM", "\(name): \(said)") }
        }

        @Test func `unknown calls do not exist, terminals cannot be typed into, odd sockets have no family`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let results = try results(place, "third")
            let expected: [String: [String]] = [
                "io_uring_setup": ["ENOSYS"], "io_uring_enter": ["ENOSYS"], "io_uring_register": ["ENOSYS"],
                "unknown-470": ["ENOSYS"], "unknown-999": ["ENOSYS"], "unknown-minus-1": ["ENOSYS"],
                "tiocsti": ["EPERM"], "tiocsti-high": ["EPERM", "ENOSYS"], "tioclinux": ["EPERM"],
                "tioclinux-high": ["EPERM", "ENOSYS"], "tiocsetd": ["EPERM"],
                "af-alg": ["EAFNOSUPPORT"], "af-alg-high": ["EAFNOSUPPORT"], "af-vsock": ["EAFNOSUPPORT"],
                "af-packet": ["EAFNOSUPPORT"], "af-packet-high": ["EAFNOSUPPORT"], "af-key": ["EAFNOSUPPORT"],
                "af-xdp": ["EAFNOSUPPORT"], "af-bluetooth": ["EAFNOSUPPORT"], "socketpair-vsock": ["EAFNOSUPPORT"],
                "netfilter": ["EPERM", "ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT"],
                "raw": ["EPERM", "ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT"],
                "mptcp": ["EPERM", "ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT"],
                "sctp": ["EPERM", "ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT"],
                "prctl-securebits": ["EPERM"], "prctl-ambient": ["EPERM"], "prctl-mm": ["EPERM"],
                "prctl-keepcaps": ["EPERM"], "prctl-seccomp": ["EPERM"],
                "personality-no-randomize": ["EPERM"], "personality-read-implies-exec": ["EPERM"],
                "capset": ["EPERM"], "mknod-null": ["EPERM", "EACCES"], "plain-fork": ["ok"], "plain-socket": ["ok"],
            ]
            #expect(Set(results.keys) == Set(expected.keys))
            for (name, allowed) in expected {
                #expect(allowed.contains(results[name] ?? "nothing"), "\(name): \(results[name] ?? "nothing")")
            }
        }

        @Test(.enabled(if: hasCompiler, "no C compiler (cc)"))
        func `the 32-bit and x32 doors are closed with death`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let compiled = try place.shell("cc -O1 -o '\(place.workspace)/doors' '\(resourcePath("int80.c"))'")
            #expect(compiled.exit == 0, "\(compiled)")
            for door in ["int80", "x32"] {
                let result = try place.remit("run", "--workspace", place.workspace, "--", "./doors", door)
                #expect(result.exit == 128 + SIGSYS, "\(door): \(result)")
            }
        }

        @Test func `denials are counted in the receipt by the call's name`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = try resource("calls.py")
            let result = try place.remit("run", "--status-fd", "3", "--", "python3", "-c", script, "first")
            let session = try #require(result.session, "\(result)")
            let denials = try place.receipt(session)["denials"]
            #expect((denials["unshare"].integer ?? 0) >= 7, "\(denials)")
            #expect((denials["mount"].integer ?? 0) >= 3, "\(denials)")
            #expect((denials["setns"].integer ?? 0) >= 1, "\(denials)")
        }

        @Test func `an agent that keeps trying is ended for its strikes`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import ctypes, time
                libc = ctypes.CDLL(None)
                for _ in range(200): libc.unshare(0x10000000)
                time.sleep(\(place.marker.prefix(5)))
                """
            let result = try place.remit(
                "run", "--status-fd", "3", "--deadline", "\(8 * patience)s", "--", "python3", "-c", script, place.marker
            )
            #expect(result.exit == 123, "\(result)")
            #expect(result.errorLines.count == 1 && result.errors.contains("ended: strikes"), "\(result)")
            let session = try #require(result.session, "\(result)")
            #expect(try place.receipt(session)["reason"].text == "strikes")
            #expect(place.agents.isEmpty)
        }

        @Test func `sixty-three strikes are not yet the end`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "import ctypes\nlibc = ctypes.CDLL(None)\nfor _ in range(63): libc.unshare(0x10000000)\nprint('done')"
            let result = try place.remit("run", "--", "python3", "-c", script)
            #expect(result.exit == 0 && result.text == "done\n", "\(result)")
        }

        @Test func `threads, children and ordinary tools work`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import concurrent.futures, multiprocessing, subprocess, tempfile, threading, asyncio, socket, sqlite3
                threading.Thread(target=lambda: None).start()
                print(subprocess.run(['sh', '-c', 'echo $((6*7))'], capture_output=True, text=True).stdout.strip())
                with concurrent.futures.ThreadPoolExecutor(8) as pool: print(sum(pool.map(lambda x: x, range(100))))
                async def main():
                    server = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)
                    r, w = await asyncio.open_connection(*server.sockets[0].getsockname())
                    print(await r.read())
                asyncio.run(main())
                db = sqlite3.connect(tempfile.mkdtemp() + '/x'); db.execute('create table t(a)'); db.commit()
                print(multiprocessing.get_context('fork').Pool(2).map(abs, [-1, -2]))
                """
            let result = try place.remit("run", "--", "python3", "-c", script)
            #expect(result.exit == 0 && result.text == "42\n4950\nb''\n[1, 2]\n", "\(result)")
        }
    }
}

/// Whether a C compiler is installed.
let hasCompiler = Files.isExecutable("/usr/bin/cc")
