// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// What an agent sees of itself and of the host.
    @Suite struct InsideTests {
        private func report(_ place: Playground, options: [String] = [], paths: [String] = []) throws -> JSON {
            let script = try resource("inside.py")
            let result = try place.remit(["run"] + options + ["--", "python3", "-c", script] + paths)
            #expect(result.exit == 0, "\(result)")
            return try result.json()
        }

        @Test func `the agent is uid 1000 without groups, capabilities or a way back`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let report = try report(place)
            #expect(report["uid"].integer == 1000 && report["euid"].integer == 1000 && report["gid"].integer == 1000)
            let groups = report["groups"].list?.compactMap(\.integer) ?? []
            #expect(groups.allSatisfy { $0 == 1000 || $0 == 65534 }, "\(groups)")
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(report["status"][set].text == "0000000000000000", "\(set)")
            }
            #expect(report["status"]["NoNewPrivs"].text == "1")
            #expect(report["status"]["Seccomp"].text == "2")
            // EINVAL: uid 0 is not even mapped.
            #expect(["Operation not permitted", "Invalid argument"].contains(report["setuid"].text ?? ""))
            #expect(report["passwd"].text?.contains("agent:x:1000:1000:") == true)
        }

        @Test func `only the session's own processes are there, and nothing of proc but them`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let report = try report(place)
            let pids = report["pids"].list?.compactMap(\.integer) ?? []
            #expect((1...4).contains(pids.count) && pids.allSatisfy { $0 < 20 }, "\(pids)")
            let rest = Set(report["proc"].list?.compactMap(\.text) ?? [])
            #expect(rest.isSubset(of: ["self", "thread-self"]), "\(rest)")
        }

        @Test func `a profile may show statistics of the host, read-only, and nothing else of proc`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(
                "apiVersion: remit/v1\nkind: Profile\nname: busy\nextends: default\n"
                    + "filesystem: {processes: statistics}\n", to: place.base + "/config/profiles/busy.yaml")
            let hidden = ["version", "cmdline", "sys", "kallsyms", "interrupts", "mounts", "kcore"]
                .map { "/proc/" + $0 }
            let shown = ["cpuinfo", "loadavg", "meminfo", "stat", "uptime"].map { "/proc/" + $0 }
            let report = try report(place, options: ["--profile", "busy"], paths: shown + hidden)
            // They are opened by name; the directory lists processes only.
            let rest = Set(report["proc"].list?.compactMap(\.text) ?? [])
            #expect(rest.isSubset(of: ["self", "thread-self"]), "\(rest)")
            for path in shown {
                #expect(
                    report["read"][path].text?.contains(where: \.isNumber) == true, "\(path): \(report["read"][path])")
            }
            for path in hidden {
                #expect(report["read"][path].text == "No such file or directory", "\(path): \(report["read"][path])")
            }
            let script = """
                for file in cpuinfo loadavg meminfo stat uptime; do
                    (: >>/proc/$file) 2>/dev/null && echo "$file can be written"
                    rm -f /proc/$file 2>/dev/null && echo "$file can be removed"
                done
                ps -A -o comm= | grep -x sh && uptime | grep -o 'load average'
                awk '/^(MemTotal|MemFree)/ { found++ } END { print found, "sizes" }' /proc/meminfo
                """
            let acts = try place.remit("run", "--profile", "busy", "--", "sh", "-c", script)
            #expect(acts.text == "sh\nload average\n2 sizes\n", "\(acts)")
            let why = try place.remit("why", "--profile", "busy", "path", "/proc/stat", "--format", "json")
            #expect(why.text.contains("busy.yaml:5"), "\(why)")
        }

        @Test func `no process of the session is dumpable to the agent, and pid 1 cannot be killed`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let paths = ["/proc/1/environ", "/proc/1/mem", "/proc/1/maps", "/proc/1/root/etc/passwd", "/proc/1/fd/0"]
            let report = try report(place, paths: paths)
            for path in paths {
                let said = report["read"][path].text ?? ""
                #expect(
                    ["Permission denied", "No such file or directory", "Operation not permitted"].contains(said),
                    "\(path): \(said)")
            }
            // A signal to pid 1 from inside is ignored or refused; that this report arrived is the proof.
            let result = try place.remit("run", "--", "sh", "-c", "kill -9 1; kill -TERM 1; kill -INT 1; echo alive")
            #expect(result.text == "alive\n" && result.exit == 0, "\(result)")
        }

        @Test func `secrets of the host are not there`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let other = "/tmp/host-\(place.marker)"
            try place.write(place.canary, to: other)
            defer { try? FileManager.default.removeItem(atPath: other) }
            let paths = [
                place.home + "/.ssh/id_ed25519", place.base + "/secret.txt", place.configurationFile, place.state,
                other, "/root/.profile", "/root", "/etc/shadow", "/etc/sudoers", "/etc/ssh", "/etc/ssl/private",
                "/var/lib", "/var/log", "/sys/kernel", "/boot", "/mnt", "/proc/kcore", "/proc/keys", "/proc/sys",
                "/proc/sysrq-trigger", "/proc/mounts", "/proc/cmdline", "/dev/kmsg", "/dev/mem", "/dev/fuse",
                "/dev/vda",
                "/dev/net/tun", "/dev/kvm", "/run/docker.sock", "/var/run/docker.sock", "/run/user", "/run/systemd",
                "/opt", "/srv", "/etc/remit", "/run/postgresql",
            ]
            let report = try report(place, paths: paths)
            for path in paths {
                let said = report["read"][path].text ?? ""
                #expect(["No such file or directory", "Permission denied"].contains(said), "\(path): \(said)")
            }
            let everything = "\(report)"
            #expect(!everything.contains(place.canary))
        }

        @Test func `proc does not tell where things are on the host`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let report = try report(
                place, options: ["--workspace", place.workspace],
                paths: ["/proc/self/mountinfo", "/proc/self/cgroup", "/proc/self/mounts"]
            )
            for path in ["/proc/self/cgroup"] {
                let said = report["read"][path].text ?? ""
                #expect(!said.contains(place.base) && !said.contains("user.slice"), "\(path): \(said)")
            }
        }

        @Test func `the system is read-only, the agent's own places are not`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let report = try report(place)
            let write = report["write"]
            for path in ["/tmp/canary", "/home/agent/canary"] { #expect(write[path].text == "ok", "\(path)") }
            let refusals = ["Read-only file system", "Permission denied", "Operation not permitted"]
            for (path, said) in write.members ?? [:] where !["/tmp/canary", "/home/agent/canary"].contains(path) {
                #expect(refusals.contains(said.text ?? ""), "\(path): \(said)")
            }
            #expect(!Files.exists("/usr/canary") && !Files.exists("/etc/canary") && !Files.exists("/tmp/canary"))
            #expect(["Operation not permitted", "Permission denied"].contains(report["mknod"].text ?? ""))
        }

        @Test func `tmp and home begin empty and are private`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let report = try report(place)
            #expect(report["tmp"].list == [])
            #expect(report["home"].list == [.string("agent")])
            let first = try place.remit("run", "--", "sh", "-c", "echo x >/tmp/left; echo y >/home/agent/left; ls /tmp")
            #expect(first.text == "left\n", "\(first)")
            let second = try place.remit("run", "--", "sh", "-c", "ls -A /tmp /home/agent /var/tmp /dev/shm")
            #expect(!second.text.contains("left"), "\(second)")
            #expect(!Files.exists("/tmp/left"))
        }

        @Test func `devices are the harmless ones`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let devices = Set(try report(place)["dev"].list?.compactMap(\.text) ?? [])
            let harmless: Set = [
                "null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "pts", "ptmx", "shm",
                "tty",
            ]
            #expect(devices.isSubset(of: harmless), "\(devices.subtracting(harmless))")
            #expect(devices.isSuperset(of: ["null", "zero", "urandom", "fd"]))
        }

        @Test func `the environment is the allowed one`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            place.environment["LANG"] = "C.UTF-8"
            place.environment["LD_PRELOAD"] = ""
            place.environment["AWS_SECRET_ACCESS_KEY"] = place.canary
            place.environment["PYTHONSTARTUP"] = "/x"
            let report = try report(place, options: ["--env", "ADDED=yes", "--env", "TERM"])
            let environment = report["environment"]
            #expect(environment["ADDED"].text == "yes")
            #expect(environment["LANG"].text == "C.UTF-8")
            #expect(environment["TERM"].text == "dumb")
            #expect(environment["HOME"].text == "/home/agent")
            #expect(environment["REMIT_SESSION"].text?.isEmpty == false)
            for name in [
                "CANARY", "LD_PRELOAD", "AWS_SECRET_ACCESS_KEY", "PYTHONSTARTUP", "REMIT_STATE_DIR",
                "REMIT_RUNTIME_DIR", "REMIT_CONFIG", "SSH_AUTH_SOCK",
            ] {
                #expect(environment[name] == .null, "\(name)")
            }
            #expect(!"\(environment)".contains(place.base) && !"\(environment)".contains(place.canary))
        }

        @Test func `no descriptor but the standard three is open, and none is a directory`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.shell(
                "exec 7</etc 8<'\(place.base)/secret.txt' 9>/dev/null; "
                    + "$REMIT run -- sh -c 'ls -l /proc/self/fd | tail -n +2'"
            )
            let lines = result.text.split(separator: "\n").filter { !$0.contains("/proc/") }
            #expect(lines.count == 3, "\(result)")
            #expect(lines.allSatisfy { $0.contains("pipe:[") || $0.contains("/dev/null") }, "\(result)")
        }

        @Test func `a file on standard output cannot be reopened from inside`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("precious\n", to: place.base + "/input")
            let result = try place.remit(
                "run", "--", "sh", "-c", "echo overwritten 1<>/dev/stdin; echo done",
                input: .read(place.base + "/input")
            )
            #expect(Files.text(place.base + "/input") == "precious\n", "\(result)")
        }

        @Test func `the host's name and directories are not the agent's`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let report = try report(place)
            #expect(report["hostname"].text == "remit")
            #expect(report["cwd"].text == "/workspace")
            #expect(report["interfaces"].list == [.string("lo")])
            let root = Set(report["root"].list?.compactMap(\.text) ?? [])
            let expected: Set = [
                ".sealed", "bin", "dev", "etc", "home", "lib", "lib64", "proc", "run", "sbin", "tmp", "usr", "var",
                "workspace",
            ]
            #expect(root.isSubset(of: expected), "\(root.subtracting(expected))")
            #expect(report["limits"]["RLIMIT_CORE"].list == [.number(0), .number(0)])
        }

        @Test func `no service of the host can be reached`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            var service = Program(
                "/usr/bin/python3", ["-c", try resource("listen.py"), place.workspace + "/host.sock"])
            service.streams[1] = .write(place.base + "/service")
            let child = try service.start()
            defer {
                child.signal(SIGKILL)
                _ = child.wait(within: .seconds(2))
            }
            #expect(eventually(within: .seconds(10)) { Files.text(place.base + "/service")?.hasSuffix("\n") == true })
            let names = try JSON.parse(Array((Files.text(place.base + "/service") ?? "").utf8))
            let tcp = try #require(names["tcp"].integer)
            let udp = try #require(names["udp"].integer)
            let name = try #require(names["abstract"].text)
            let targets = [
                "tcp:127.0.0.1:\(tcp)", "tcp:::1:\(tcp)", "tcp:169.254.169.254:80", "tcp:10.0.0.1:443",
                "tcp:198.18.0.1:80", "abstract:\(name)", "udp:127.0.0.1:\(udp)", "udp:8.8.8.8:53",
                "path:/run/dbus/system_bus_socket", "path:/tmp/.X11-unix/X0", "path:/var/run/docker.sock",
            ]
            let result = try place.remit(["run", "--", "python3", "-c", try resource("connect.py")] + targets)
            let reached = try result.json()
            for target in targets where !target.hasPrefix("udp:127") {
                #expect(
                    reached[target].text != "reached" && reached[target].text != "timeout",
                    "\(target): \(reached[target])")
            }
            // The canaries have the last word: nothing arrived at the host.
            pause(.milliseconds(50))
            #expect(Files.text(place.base + "/service")?.contains("reached") == false)
        }

        @Test func `the caller's keyring, cgroup and session stay outside`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "import os; print(os.getsid(0) != 0, os.getpgid(0) != 0, os.getppid() in (0, 1))"
            let result = try place.remit("run", "--", "python3", "-c", script)
            #expect(result.text == "True True True\n", "\(result)")
            let cgroups = try place.remit("run", "--", "sh", "-c", "ls /sys /sys/fs/cgroup; cat /proc/self/cgroup")
            #expect(!cgroups.text.contains("release_agent") && !cgroups.text.contains("cgroup.procs"), "\(cgroups)")
        }
    }
}
