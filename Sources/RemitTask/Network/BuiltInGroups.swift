// SPDX-License-Identifier: Apache-2.0
// Made by scripts/embed-profiles from profiles/groups/*.yaml: change those, and run it again.
// swift-format-ignore-file

/// The shipped groups of network rules as text, so that a task can name them on every host.
package enum BuiltInGroups {
    /// Name and text of each.
    package static let texts: [(name: String, text: String)] = [
        (
            "git-hosting",
            ##"""
            # Cloning and fetching over HTTPS; pushing is a rule that a task writes itself, for its own repository.
            apiVersion: remit/v1
            kind: Configuration
            groups:
              git-hosting:
                - {host: github.com, http: {methods: [GET, HEAD]}}
                - host: github.com
                  http: {methods: [POST], paths: ["/*/*/git-upload-pack", "/*/*/info/lfs/objects/batch"], maxBody: 64MiB}
                - {host: codeload.github.com, http: {methods: [GET, HEAD]}}
                - {host: raw.githubusercontent.com, http: {methods: [GET, HEAD]}}
                - {host: objects.githubusercontent.com, http: {methods: [GET, HEAD]}}
                - {host: release-assets.githubusercontent.com, http: {methods: [GET, HEAD]}}
                - {host: github-cloud.githubusercontent.com, http: {methods: [GET, HEAD]}}
                - {host: gitlab.com, http: {methods: [GET, HEAD]}}
                # Projects lie in groups of any depth.
                - {host: gitlab.com, http: {methods: [POST], paths: ["/**/git-upload-pack", "/**/info/lfs/objects/batch"], maxBody: 64MiB}}
                - {host: bitbucket.org, http: {methods: [GET, HEAD]}}
                - {host: bitbucket.org, http: {methods: [POST], paths: ["/*/*/git-upload-pack"], maxBody: 64MiB}}
                - {host: codeberg.org, http: {methods: [GET, HEAD]}}
                - {host: codeberg.org, http: {methods: [POST], paths: ["/*/*/git-upload-pack"], maxBody: 64MiB}}
                - {host: git.sr.ht, http: {methods: [GET, HEAD]}}
                - {host: git.sr.ht, http: {methods: [POST], paths: ["/*/*/git-upload-pack"], maxBody: 64MiB}}

            """##
        ),
        (
            "model-apis",
            ##"""
            # Asking models, and nothing else at the same hosts: uploads of files, batches and accounts are ways out for data.
            apiVersion: remit/v1
            kind: Configuration
            groups:
              model-apis:
                - host: api.anthropic.com
                  http:
                    methods: [GET, POST]
                    paths: [/v1/messages, /v1/messages/count_tokens, /v1/complete, /v1/models, /v1/models/*]
                - host: api.openai.com
                  http:
                    methods: [GET, POST]
                    paths:
                      - /v1/responses
                      - /v1/responses/**
                      - /v1/chat/completions
                      - /v1/completions
                      - /v1/embeddings
                      - /v1/models
                      - /v1/models/*
                - host: generativelanguage.googleapis.com
                  http:
                    methods: [GET, POST]
                    paths: ["/v1/models", "/v1/models/*", "/v1beta/models", "/v1beta/models/*", "/v1beta/openai/chat/completions"]
                - host: api.mistral.ai
                  http:
                    methods: [GET, POST]
                    paths: [/v1/chat/completions, /v1/fim/completions, /v1/embeddings, /v1/models, /v1/models/*]
                - host: api.groq.com
                  http:
                    methods: [GET, POST]
                    paths: [/openai/v1/chat/completions, /openai/v1/responses, /openai/v1/models, /openai/v1/models/*]
                - host: api.deepseek.com
                  http:
                    methods: [GET, POST]
                    paths: [/chat/completions, /v1/chat/completions, /beta/completions, /anthropic/v1/messages, /models]
                - host: api.x.ai
                  http:
                    methods: [GET, POST]
                    paths: [/v1/chat/completions, /v1/responses, /v1/messages, /v1/models, /v1/models/*]
                - host: api.together.xyz
                  http:
                    methods: [GET, POST]
                    paths: [/v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models]
                - host: api.fireworks.ai
                  http:
                    methods: [GET, POST]
                    paths: [/inference/v1/chat/completions, /inference/v1/completions, /inference/v1/models]
                - host: api.cerebras.ai
                  http:
                    methods: [GET, POST]
                    paths: [/v1/chat/completions, /v1/completions, /v1/models]
                - host: api.cohere.com
                  http:
                    methods: [GET, POST]
                    paths: [/v1/chat, /v2/chat, /v2/embed, /v2/rerank, /v1/models, /v1/models/*]
                - host: openrouter.ai
                  http:
                    methods: [GET, POST]
                    paths: [/api/v1/chat/completions, /api/v1/responses, /api/v1/messages, /api/v1/models]

            """##
        ),
        (
            "package-registries",
            ##"""
            # Fetching packages of programming languages and of distributions; publishing is a rule that a task writes itself.
            apiVersion: remit/v1
            kind: Configuration
            groups:
              package-registries:
                # JavaScript: audits are the one thing that is asked with a body.
                - {host: registry.npmjs.org, http: {methods: [GET, HEAD]}}
                - host: registry.npmjs.org
                  http: {methods: [POST], paths: ["/-/npm/v1/security/**"], maxBody: 4MiB}
                - {host: registry.yarnpkg.com, http: {methods: [GET, HEAD]}}
                - {host: npm.jsr.io, http: {methods: [GET, HEAD]}}
                - {host: jsr.io, http: {methods: [GET, HEAD]}}
                # Python
                - {host: pypi.org, http: {methods: [GET, HEAD]}}
                - {host: files.pythonhosted.org, http: {methods: [GET, HEAD]}}
                # Rust
                - {host: index.crates.io, http: {methods: [GET, HEAD]}}
                - {host: static.crates.io, http: {methods: [GET, HEAD]}}
                - {host: crates.io, http: {methods: [GET, HEAD], paths: ["/api/v1/crates/**"]}}
                # Go
                - {host: proxy.golang.org, http: {methods: [GET, HEAD]}}
                - {host: sum.golang.org, http: {methods: [GET, HEAD]}}
                # Java
                - {host: repo.maven.apache.org, http: {methods: [GET, HEAD], paths: ["/maven2/**"]}}
                - {host: repo1.maven.org, http: {methods: [GET, HEAD], paths: ["/maven2/**"]}}
                - {host: plugins.gradle.org, http: {methods: [GET, HEAD]}}
                - {host: services.gradle.org, http: {methods: [GET, HEAD]}}
                # Ruby, PHP, .NET, Erlang and Elixir, Haskell, Perl, Dart
                - {host: rubygems.org, http: {methods: [GET, HEAD]}}
                - {host: index.rubygems.org, http: {methods: [GET, HEAD]}}
                - {host: repo.packagist.org, http: {methods: [GET, HEAD]}}
                - {host: api.nuget.org, http: {methods: [GET, HEAD]}}
                - {host: repo.hex.pm, http: {methods: [GET, HEAD]}}
                - {host: hackage.haskell.org, http: {methods: [GET, HEAD]}}
                - {host: cpan.metacpan.org, http: {methods: [GET, HEAD]}}
                - {host: pub.dev, http: {methods: [GET, HEAD]}}
                # Distributions, whose packages are signed, and are fetched without TLS by default
                - {host: deb.debian.org, clearText: true, http: {methods: [GET, HEAD]}}
                - {host: security.debian.org, clearText: true, http: {methods: [GET, HEAD]}}
                - {host: archive.ubuntu.com, clearText: true, http: {methods: [GET, HEAD]}}
                - {host: security.ubuntu.com, clearText: true, http: {methods: [GET, HEAD]}}
                - {host: ports.ubuntu.com, clearText: true, http: {methods: [GET, HEAD]}}
                - {host: dl-cdn.alpinelinux.org, clearText: true, http: {methods: [GET, HEAD]}}

            """##
        ),
    ]
}
