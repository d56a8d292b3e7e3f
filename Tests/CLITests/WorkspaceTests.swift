// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// The one directory an agent works in.
    @Suite struct WorkspaceTests {
        @Test func `write mode writes, and what it writes belongs to the workspace's owner`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("before\n", to: place.workspace + "/file")
            let result = try place.remit(
                "run", "--workspace", place.workspace, "--", "sh", "-c",
                "cat file; echo after >file; mkdir -p a/b; echo new >a/b/c; stat -c %u file a/b/c"
            )
            #expect(result.exit == 0 && result.text == "before\n1000\n1000\n", "\(result)")
            #expect(Files.text(place.workspace + "/file") == "after\n")
            #expect(Files.text(place.workspace + "/a/b/c") == "new\n")
            for path in ["/file", "/a", "/a/b", "/a/b/c"] {
                #expect(
                    Files.owner(place.workspace + path) == geteuid(),
                    "\(path): \(Files.owner(place.workspace + path) as Any)")
            }
        }

        @Test func `read mode does not write`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("before\n", to: place.workspace + "/file")
            try Files.setMode(place.workspace + "/file", 0o666)
            let result = try place.remit(
                "run", "--workspace", place.workspace, "--read-only", "--", "sh", "-c",
                "cat file; echo x >file; echo x >new; rm -f file; mv file other; chmod 777 file; ln file hard; touch file; true"
            )
            #expect(result.exit == 0 && result.text == "before\n", "\(result)")
            #expect(Files.text(place.workspace + "/file") == "before\n")
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.workspace) == ["file"])
        }

        @Test func `without a workspace there is an empty one`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--", "sh", "-c", "pwd; ls -A; echo x >file; ls")
            #expect(result.text.hasPrefix("/workspace\n"), "\(result)")
        }

        @Test func `a link planted in the workspace leads nowhere`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let work = place.workspace
            for (name, target) in [
                ("secret", place.base + "/secret.txt"), ("up", "../secret.txt"), ("home", place.home), ("root", "/"),
                ("oldroot", "/oldroot\(place.base)/secret.txt"), ("self", "/proc/self/root\(place.base)/secret.txt"),
            ] { try Files.link("\(work)/\(name)", to: target) }
            let script =
                "for f in secret up home/.ssh/id_ed25519 root\(place.base)/secret.txt oldroot self ../secret.txt "
                + "/workspace/../secret.txt; do cat $f; echo owned >$f; done; ls root; true"
            let result = try place.remit("run", "--workspace", work, "--", "sh", "-c", script)
            #expect(!result.text.contains(place.canary) && !result.errors.contains(place.canary), "\(result)")
            #expect(!result.text.contains("boot\n"), "`root` is the sandbox's: \(result)")
            #expect(Files.text(place.base + "/secret.txt") == place.canary + "\n")
            #expect(Files.text(place.home + "/.ssh/id_ed25519") == place.canary + "\n")
        }

        @Test func `places inside that are planted as links do not move a mount`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            // The first run plants, the second run is set up over it.
            let plant =
                "ln -sfn / tmp; ln -sfn \(place.base) run; ln -sfn / home; ln -sfn /usr proc; ln -sfn / workspace; true"
            for _ in 0..<2 {
                let result = try place.remit("run", "--workspace", place.workspace, "--", "sh", "-c", plant)
                #expect(result.exit == 0, "\(result)")
            }
            let result = try place.remit(
                "run", "--workspace", place.workspace, "--", "sh", "-c",
                "cat run/secret.txt; pwd; stat -c %F /tmp /proc /home"
            )
            #expect(result.text == "/workspace\ndirectory\ndirectory\ndirectory\n", "\(result)")
        }

        @Test func `climbing out of a workspace that moves away stays inside`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import os, time
                os.makedirs('deep/er'); os.chdir('deep/er'); print('ready', flush=True)
                while not os.path.exists('/workspace/go'): time.sleep(0.01)
                for up in ('..', '../..', '../../..', '../../../..', '../../../../..', '../../../../../..'):
                    try: print(sorted(os.listdir(up)))
                    except OSError as e: print(e.errno)
                    for name in ('secret.txt', 'home/.ssh/id_ed25519', 'state'):
                        try: print(open(f'{up}/{name}').read())
                        except OSError as e: pass
                """
            let command = try place.start(["run", "--workspace", place.workspace, "--", "python3", "-c", script])
            try command.waitForOutput("ready")
            try Files.move(place.workspace + "/deep/er", to: place.base + "/moved")
            try place.write("", to: place.workspace + "/go")
            let result = command.finish()
            #expect(result.exit == 0, "\(result)")
            #expect(!result.text.contains(place.canary) && !result.text.contains("scratch"), "\(result)")
        }

        @Test func `a workspace named by a link is the directory it leads to`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write("x\n", to: place.workspace + "/file")
            try Files.link(place.base + "/link", to: place.workspace)
            let result = try place.remit("run", "--workspace", place.base + "/link", "--", "cat", "file")
            #expect(result.exit == 0 && result.text == "x\n", "\(result)")
        }

        @Test func `a workspace that is too much is refused, whatever it is called`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for (name, target) in [("root", "/"), ("etc", "/etc"), ("proc", "/proc/self"), ("usr", "/usr/lib")] {
                try Files.link("\(place.base)/to-\(name)", to: target)
            }
            let account = FileManager.default.homeDirectoryForCurrentUser.path
            let refused = [
                "/", "/etc", "/etc/ssl", "/usr", "/proc", "/proc/self/root", "/sys", "/dev", "/var", "/home", "/root",
                "/run", "/boot",
                "//", "/tmp/..", "/./", account, place.home,
                place.base + "/to-root", place.base + "/to-etc", place.base + "/to-proc", place.base + "/to-usr",
            ]
            for path in refused {
                let result = try place.remit("run", "--workspace", path, "--", "echo", "started")
                #expect(result.exit == 126, "\(path): \(result)")
                #expect(result.errors.hasPrefix("error: ") && !result.text.contains("started"), "\(path): \(result)")
            }
        }

        @Test func `remit's own state cannot be the agent's workspace`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for path in [place.base, place.state, place.runtime, place.state + "/sessions"] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                let result = try place.remit(
                    "run", "--workspace", path, "--", "sh", "-c",
                    "echo started; ls -R; find . -name '*.jsonl' -exec truncate -s 0 {} +"
                )
                #expect(result.exit == 126, "\(path): \(result)")
                #expect(!result.text.contains("started"), "\(path): \(result)")
            }
        }

        @Test func `a workspace that is missing or no directory is refused`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for path in [place.base + "/nothing", place.base + "/secret.txt", ""] {
                let result = try place.remit("run", "--workspace", path, "--", "true")
                #expect(result.exit == 126 || result.exit == 64, "\(path): \(result)")
                #expect(result.errors.hasPrefix("error: ") || result.errors.hasPrefix("Error: "), "\(path): \(result)")
            }
        }

        @Test func `a set-user-id program gives nothing`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let copied = try place.shell("cp /usr/bin/id '\(place.workspace)/id' && chmod 4755 '\(place.workspace)/id'")
            #expect(copied.exit == 0)
            let result = try place.remit(
                "run", "--workspace", place.workspace, "--", "sh", "-c", "./id -u; ./id -ru; su -c id")
            #expect(result.text.hasPrefix("1000\n1000\n"), "\(result)")
            #expect(!result.text.contains("uid=0"), "\(result)")
        }

        @Test func `no set-user-id program can be left behind for others on the host`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import os, shutil
                def attempt(name, action):
                    shutil.copy('/bin/sh', name)
                    try: action(name)
                    except OSError as e: print(name, e.errno)
                attempt('chmod', lambda n: os.chmod(n, 0o6755))
                def fchmod(n):
                    fd = os.open(n, os.O_RDWR)
                    os.fchmod(fd, 0o4755)
                attempt('fchmod', fchmod)
                attempt('fchmodat', lambda n: os.chmod(n, 0o2755, dir_fd=os.open('.', os.O_RDONLY)))
                for name, action in [
                    ('open', lambda n: os.open(n, os.O_CREAT | os.O_WRONLY, 0o4755)),
                    ('mknod', lambda n: os.mknod(n, 0o104755)),
                    ('mkdir', lambda n: os.mkdir(n, 0o2755)),
                ]:
                    try: action(name)
                    except OSError as e: print(name, e.errno)
                """
            let result = try place.remit("run", "--workspace", place.workspace, "--", "python3", "-c", script)
            #expect(result.exit == 0, "\(result)")
            for name in Files.names(in: place.workspace) {
                let mode = Files.mode("\(place.workspace)/\(name)") ?? 0
                #expect(mode & 0o6000 == 0, "`\(name)` has mode \(String(mode, radix: 8))")
            }
        }

        @Test(.enabled(if: isRoot, "only root can run in another user's directory"))
        func `root's agent in an ordinary user's workspace is that user`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try Files.setMode(place.base, 0o755)
            try Files.setOwner(place.workspace, 1001)
            let result = try place.remit(
                "run", "--workspace", place.workspace, "--", "sh", "-c", "echo x >file; id -u; stat -c %u .")
            #expect(result.exit == 0 && result.text == "1000\n1000\n", "\(result)")
            #expect(Files.owner(place.workspace + "/file") == 1001)
        }

        @Test(.enabled(if: isRoot, "only root could give its own user id away"))
        func `no process of root's agent is root outside`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(["run", "--workspace", place.workspace, "--", "sleep", place.marker])
            #expect(eventually(within: .seconds(10)) { !place.agents.isEmpty })
            for agent in place.agents {
                let users = ProcessTable.status(of: agent.pid)["Uid"] ?? ""
                #expect(!users.split(separator: "\t").contains("0"), "\(agent): \(users)")
            }
            command.signal(SIGTERM)
            _ = command.finish()
        }
    }
}
