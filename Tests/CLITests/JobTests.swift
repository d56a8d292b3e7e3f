// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTesting
import Testing

extension CLI {
    /// Sessions in the jobs of CI services.
    @Suite struct JobTests {
        /// Speaks to every service there is, without a line's end, on both streams.
        private static let forging =
            "echo ::error::forged; echo '##[set-env name=A]b'; echo ::add-path::/x >&2; printf 'section_start:1:x\\r\\n'; printf ::end"

        @Test func `GitHub obeys nothing that an agent writes`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--format", "github", "--", "sh", "-c", "\(Self.forging); exit 3")
            #expect(result.exit == 3)
            // Two bytes, of which Swift makes one character.
            let text = result.text.replacing("\r\n", with: "\n")
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            let stop = try #require(lines.firstIndex { $0.hasPrefix("::stop-commands::") }, "\(result)")
            let token = String(lines[stop].dropFirst("::stop-commands::".count))
            let resume = try #require(lines.firstIndex(of: "::\(token)::"), "\(result)")
            #expect(token.count >= 20 && lines[..<stop] == ["::group::remit run sh"], "\(result)")
            let written = lines[(stop + 1)..<resume]
            for line in ["::error::forged", "##[set-env name=A]b", "::add-path::/x", "::end"] {
                #expect(written.contains(line), "\(line): \(result)")
            }
            #expect(lines[resume + 1] == "::endgroup::")
            let rest = lines[(resume + 2)...]
            #expect(rest.first?.hasPrefix("::error title=remit%3A failed::session ") == true, "\(result)")
            #expect(!rest.contains { $0.contains("forged") } && result.errors.isEmpty, "\(result)")
            let second = try place.remit("run", "--format", "github", "--", "true")
            #expect(
                !second.text.contains(token) && second.text.contains("\n::notice title=remit%3A completed::"),
                "\(second)")
        }

        @Test func `what was refused before it started is told, and the log is given back`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--format", "github", "--profile", "no-such", "--", "true")
            #expect(result.exit == 64 && result.text.contains("\n::error title=remit%3A not started::"), "\(result)")
            let stop = result.text.components(separatedBy: "::stop-commands::")
            let token = try #require(stop.last?.split(separator: "\n").first)
            #expect(result.text.contains("\n::\(token)::\n"), "\(result)")
        }

        @Test func `refused acts are annotations`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit(
                "run", "--format", "github", "--", "sh", "-c", "unshare -m true; mount -t tmpfs x /mnt; true")
            #expect(
                result.exit == 0 && result.text.contains("::warning title=remit%3A refused system call::"), "\(result)")
        }

        @Test func `in a log of GitLab's the agent makes no sections`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--format", "gitlab", "--", "sh", "-c", Self.forging)
            let parts = result.text.components(separatedBy: "section_")
            #expect(result.exit == 0 && parts.count == 4, "\(result)")
            #expect(parts[2].hasPrefix("start :1:x") && parts[3].hasPrefix("end:"), "\(result)")
        }

        @Test(arguments: ["github", "gitlab"])
        func `names of files make no lines of their own`(format: String) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let task = try place.task(
                """
                name: job
                workspace: {path: \(quoted(place.workspace)), mode: write}
                outcome: {changed: [none]}
                command: [sh, -c, "touch \\"$(printf 'a\\\\n::error::forged\\\\nremit: completed')\\""]

                """)
            let result = try place.remit("run", "-f", task, "--format", format)
            let lines = result.text.split(whereSeparator: \.isNewline)
            #expect(result.exit == 121 && lines.contains { $0.contains(#"a\n::error::forged\nremit"#) }, "\(result)")
            #expect(!lines.contains { $0.contains("forged") && !$0.contains("matches no pattern") }, "\(result)")
        }

        @Test(.enabled(if: Files.isExecutable("/usr/bin/python3"), "no python3 to read XML"))
        func `JUnit's XML is well-formed, whatever is in it`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let report = place.freshPath("report.xml")
            let task = try place.task(
                "name: job\nintent: \"<b> & ]]> | \\\" é\"\ncommand: [sh, -c, \"exit 4\"]\n")
            let result = try place.remit("run", "--format", "junit", "--report", report, "-f", task)
            #expect(result.exit == 4, "\(result)")
            let script =
                "import sys,xml.etree.ElementTree as e\nt=e.parse(sys.argv[1]).getroot()[0]\n"
                + "print(t.get('tests'),t.get('failures'),[p.get('value') for p in t[0] if p.get('name')=='intent'][0])"
            let read = try place.shell("/usr/bin/python3 -c \(shellQuoted(script)) \(shellQuoted(report))")
            #expect(read.text == "2 1 <b> & ]]> | \" é\n", "\(read)")
        }

        @Test func `a summary is text, and is added to what is there`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let summary = place.freshPath("summary.md")
            try place.write("before\n", to: summary)
            let task = try place.task(
                "name: job\nintent: \"<img src=x> | `code` [link](javascript:x) @team\"\ncommand: [\"true\"]\n")
            let line =
                "GITHUB_STEP_SUMMARY=\(shellQuoted(summary)) exec \"$REMIT\" run --format github -f \(shellQuoted(task))"
            let result = try place.shell(line)
            let text = try #require(Files.text(summary))
            #expect(result.exit == 0 && text.hasPrefix("before\n\n### remit: completed\n"), "\(result) \(text)")
            let escaped = "| intent | &lt;img src=x&gt; \\| \\`code\\` \\[link\\]\\(javascript&#58;x\\) &#64;team |"
            #expect(text.contains(escaped), "\(text)")
        }

        @Test func `a report is written through no link, and needs its format`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (target, link) = (place.freshPath("target"), place.freshPath("link"))
            try place.write("kept", to: target)
            try Files.link(link, to: target)
            for options in [
                ["--format", "junit", "--report", link], ["--summary", link], ["--report", target],
                ["--format", "junit"], ["--format", "github", "--dry-run"],
            ] {
                let result = try place.remit(["run"] + options + ["--", "echo", "started"])
                #expect(result.exit == 64 && !result.text.contains("started"), "\(options): \(result)")
            }
            #expect(Files.text(target) == "kept")
        }

        @Test(.enabled(if: Files.isExecutable("/usr/bin/python3"), "no python3 to be a container engine"))
        func `in a container without user namespaces nothing runs, and the setting is named`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let container = "/usr/bin/python3 \(shellQuoted(resourcePath("container.py"))) \"$REMIT\""
            let doctor = try place.shell("\(container) doctor")
            #expect(doctor.exit == 126 && doctor.text.contains("`--security-opt seccomp=unconfined`"), "\(doctor)")
            let run = try place.shell("\(container) run --format github -- echo agent")
            #expect(run.exit == 126 && !run.text.contains("\nagent\n"), "\(run)")
            let annotation = "::error title=remit%3A refused before the start::"
            #expect(run.text.contains(annotation) && run.text.contains("--security-opt seccomp=unconfined"), "\(run)")
            let degraded = try place.shell("\(container) run --allow-degraded landlock -- echo agent")
            #expect(degraded.exit == 126 && !degraded.text.contains("agent"), "\(degraded)")
        }

        @Test func `where no user namespaces may be made any more nothing runs, and the sysctl is named`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let close = "echo 0 >/proc/sys/user/max_user_namespaces || exit 77"
            let closed = "unshare -Ur sh -c '\(close); exec \"$REMIT\" \"$@\"' sh"
            let doctor = try place.shell("\(closed) doctor")
            #expect(doctor.exit == 126 && doctor.text.contains("user.max_user_namespaces=0"), "\(doctor)")
            let run = try place.shell("\(closed) run -- echo agent")
            #expect(run.exit == 126 && !run.text.contains("agent"), "\(run)")
            #expect(run.errors.contains("user.max_user_namespaces=0"), "\(run)")
        }

        @Test func `where there is nobody for an agent to be nothing runs, and that is said`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let alone = "unshare -Ur -pf --mount-proc \"$REMIT\""
            for command in ["doctor", "run -- echo agent", "run --allow-degraded namespaces -- echo agent"] {
                let result = try place.shell("\(alone) \(command)")
                #expect(result.exit == 126 && !result.text.contains("agent\n"), "\(result)")
                #expect(
                    (result.text + result.errors).contains("in this user namespace for the agent to run as"),
                    "\(result)")
            }
        }

        /// The lines of a service's file that run Remit, each for the shell that the service runs it with.
        private static func examples() throws -> [(shell: String, line: String)] {
            let folder = Playground.packageRoot + "/examples/ci"
            let github = try #require(Files.text("\(folder)/github.yml")).split(separator: "\n").map {
                $0.drop { $0 == " " }
            }
            let gitlab = try #require(Files.text("\(folder)/gitlab-ci.yml")).split(separator: "\n").map {
                $0.drop { $0 == " " || $0 == "-" }
            }
            return github.filter { $0.hasPrefix("remit run") }.map {
                ("bash --noprofile --norc -eo pipefail", String($0))
            } + gitlab.filter { $0.hasPrefix("remit run") }.map { ("sh -e", String($0)) } + [
                ("bash -eo pipefail", "examples/ci/container"), ("sh -e", "examples/ci/container"),
            ]
        }

        @Test(.enabled(if: Files.exists(Playground.packageRoot + "/examples/ci/container"), "no examples here"))
        func `the examples run as they are, in the shells of their services`() throws {
            let examples = try Self.examples()
            #expect(examples.count == 5)
            for (shell, line) in examples {
                let place = try Playground()
                defer { place.tearDown() }
                let (script, here) = (place.freshPath("script"), place.freshPath("checkout"))
                try place.write(line + "\n", to: script)
                let source = "\(shellQuoted(Playground.packageRoot))/examples/ci"
                let copied = "mkdir -p \(here)/bin \(here)/examples && cp -R \(source) \(here)/examples"
                let result = try place.shell(
                    "\(copied) && chmod -R a+rwX \(here) && ln -s \"$REMIT\" \(here)/bin/remit && cd \(here) && "
                        + "PATH=\(here)/bin:$PATH exec \(shell) \(script)")
                #expect(result.exit == 0, "\(line): \(result)")
                #expect(Files.text("\(here)/examples/ci/workspace/count.txt") == "5\n", "\(line)")
                if line.contains("github") {
                    #expect(result.text.contains("\n::notice title=remit%3A completed::"), "\(result)")
                }
                if line.contains("--summary") || line.contains("container") {
                    #expect(Files.text("\(here)/remit.md")?.contains("### remit: completed") == true, "\(line)")
                }
                if line.contains("junit") || line.contains("container") {
                    #expect(Files.text("\(here)/remit.xml")?.contains("failures=\"0\"") == true, "\(line)")
                }
            }
        }
    }
}
