// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// A real repository, edited in a session: what `remit diff` says is what git says, and what is applied is that.
    @Suite(.enabled(if: Files.isExecutable("/usr/bin/git"), "no git"))
    struct OverlayGitTests {
        /// What git and nobody's settings say, in a directory.
        private func git(_ place: Playground, _ directory: String, _ line: String) throws -> CommandResult {
            let settings = "GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b"
            return try place.shell(
                "cd \(shellQuoted(directory)) && export \(settings) GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b && \(line)",
                within: .seconds(60))
        }

        /// A repository with some history in it, the same every time.
        private func makeRepository(_ place: Playground, _ directory: String) throws {
            let made = try git(
                place, directory,
                """
                git init -q . && mkdir -p src/deep/er doc && seq 200 >src/numbers && seq 50 >doc/text &&
                printf 'no end' >src/deep/er/tail && printf '\\0\\1binary' >src/image && echo x >'with space' &&
                echo gone >src/gone && echo y >src/tool && ln -s numbers src/link && ln -s gone src/typed &&
                printf 'a\\n' >'na"me' && git add -A && git commit -qm first
                """)
            #expect(made.exit == 0, "\(made)")
        }

        private let edits = #"""
            sed -i -e '5d' -e '50s/$/ changed/' -e '150a more' src/numbers; seq 3 52 >doc/text; rm src/gone;
            printf 'an end\n' >src/deep/er/tail; printf '\0\2other' >src/image; echo z >>'with space'; chmod 755 src/tool;
            ln -sf tool src/link; rm src/typed; echo file >src/typed; mkdir -p new/dir; echo n >new/dir/file;
            : >new/empty; printf 'q\n' >'na"me'; printf 'caf\303\251\n' >café; mv doc/text doc/moved
            """#

        private func tree(_ place: Playground, _ directory: String) throws -> String {
            // A checkout of git's has no modes but one bit.
            let listing = try git(
                place, directory,
                "find . -path ./.git -prune -o ! -type d -printf '%P %y %l %m\\n' | sed 's/64[0-9]$/644/' | LC_ALL=C sort; "
                    + "find . -path ./.git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum")
            #expect(listing.exit == 0, "\(listing)")
            return listing.text
        }

        @Test func `what git says of the same edits is what remit says, and what is applied`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (twin, patched) = (place.base + "/twin", place.base + "/patched")
            for directory in [place.workspace, twin, patched] {
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
                try makeRepository(place, directory)
            }
            let result = try place.remit(
                "run", "--overlay", "--status-fd", "3", "--workspace", place.workspace, "--", "sh", "-c", edits)
            #expect(result.exit == 0, "\(result)")
            let session = try #require(result.session)
            #expect(try git(place, place.workspace, "git status --porcelain").text.isEmpty)
            #expect(try git(place, twin, edits).exit == 0)

            // The list of changes, by git's letters.
            let told = "git ls-files -o -z --exclude-standard | xargs -0 git add -N --"
            #expect(try git(place, twin, told).exit == 0)
            let expected = try git(place, twin, "git -c core.quotePath=false diff --no-renames --name-status")
            let diff = try place.remit("diff", session, "--format", "json")
            let letters = ["added": "A", "modified": "M", "deleted": "D", "mode": "M", "type": "T"]
            let changes = (try diff.json()["changes"].list ?? []).filter {
                ($0["after"]["kind"].text ?? $0["before"]["kind"].text) != "directory"
            }
            let said = changes.map { "\(letters[$0["change"].text ?? ""] ?? "?")\t\($0["path"].text ?? "?")" }
            #expect(said.sorted() == expected.text.split(separator: "\n").map(String.init).sorted())

            // The patch does to another checkout what the session did, but for what git calls binary.
            let patch = try place.remit("diff", session, "--format", "patch")
            #expect(patch.text.contains("Binary files a/src/image and b/src/image differ"))
            try place.write(patch.output, to: place.base + "/patch")
            let applied = try git(
                place, patched,
                "git apply --exclude=src/image --whitespace=nowarn ../patch && cp ../twin/src/image src/image")
            #expect(applied.exit == 0, "\(applied)")
            #expect(try tree(place, patched) == tree(place, twin))

            // And the workspace gets every byte and mode of it.
            let brought = try place.remit("apply", session, "--force")
            #expect(brought.exit == 0, "\(brought)")
            #expect(try tree(place, place.workspace) == tree(place, twin))
            let status = try git(place, place.workspace, "\(told) && git diff --no-renames --name-status").text
            #expect(try status == git(place, twin, "git diff --no-renames --name-status").text)
        }

        @Test func `a session commits, and its host's git finds the commit`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try makeRepository(place, place.workspace)
            let commit =
                "git config core.fsmonitor /tmp/evil; git checkout -qb topic; echo more >>src/numbers; "
                + "git -c user.name=a -c user.email=a@b commit -qam second; git rev-parse HEAD"
            let result = try place.remit(
                "run", "--overlay", "--status-fd", "3", "--workspace", place.workspace, "--", "sh", "-c", commit)
            #expect(result.exit == 0, "\(result)")
            let session = try #require(result.session)
            let applied = try place.remit("apply", session, "--format", "json")
            let kept = (try applied.json()["results"].list ?? []).filter { $0["state"].text == "refused" }
            // All but the setting with which the host's git would execute something.
            #expect(applied.exit == 1 && kept.map { $0["path"].text } == [".git/config"], "\(kept)")
            let head = try git(
                place, place.workspace, "git rev-parse topic && git fsck --strict && git status --porcelain")
            #expect(head.exit == 0 && head.text.hasPrefix(result.text), "\(head) \(result)")
            #expect(try !git(place, place.workspace, "cat .git/config").text.contains("fsmonitor"))
        }
    }
}
