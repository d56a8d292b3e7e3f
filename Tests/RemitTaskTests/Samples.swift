// SPDX-License-Identifier: Apache-2.0
// Documents that use every key, and the way to files of the repository.

import Foundation

enum RepositoryFile {
    static func path(_ relative: String, from file: String = #filePath) -> String {
        let folders = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return folders.joined(separator: "/") + "/" + relative
    }
}

enum Samples {
    static let task = """
        apiVersion: remit/v1
        kind: Task
        name: fix-orders-bug
        intent: Fix the rounding error in orders.py and make its tests pass
        owner: alice@example.com
        ticket: ORD-1234
        profile: default
        command: [python3, agent.py, --retries, 3]
        workspace: {path: ./src, mode: write}
        environment: {LANG: C.UTF-8, PORT: 8080}
        limits: {memory: 2GiB, processes: 256, cpu: 1.5, openFiles: 1024, fileSize: 1GiB, io: {read: 8MiB, write: 4MiB}, whenReached: end}
        deadline: 30m
        idle: 5m
        sockets: [orders-postgres]
        credentials:
          - name: orders-db
            provider: orders
            scope: {tables: [orders], privileges: [SELECT], database: shop}
            ttl: 2m
            expose: env
            variable: ORDERS_URL
          - name: token
            provider: session-token
            scope: {audience: orders}
          - name: model
            provider: anthropic
            expose: env
            variable: ANTHROPIC_API_KEY
            inject: {host: api.anthropic.com, ports: [443], methods: [POST], paths: [/v1/messages]}
        network:
          allow:
            - api.example.com
            - {host: git.example.com, ports: [22], opaque: true}
            - {group: model-apis}
            - host: "*.example.com"
              ports: [443, 8000-8002]
              http: {methods: [GET, POST], paths: ["/v1/**", "/health"], maxBody: 1MiB}
              clearText: true
              sni: optional
              addresses: [10.0.0.0/8, "fd00::/8"]
          deny:
            - evil.example.com
            - {host: admin.example.com, ports: [443], http: {methods: [DELETE], paths: ["/**"]}}
            - {group: git-hosting}
          tripwire: end
        budget:
          requests: 1000
          bytesUp: 10MiB
          bytesDown: 1GiB
          connections: 100
          inputTokens: 2000000
          outputTokens: 100000
          cost: 2.50
          hosts:
            - {host: api.example.com, requests: 10, bytesUp: 1MiB, bytesDown: 1MiB, connections: 5, inputTokens: 1, outputTokens: 1, cost: 0.125}
        outcome:
          changed: ["src/**", "tests/*.py"]
          artifacts: [report.json]
          verify: [python3, -m, pytest, -q]

        """

    static let profile = """
        apiVersion: remit/v1
        kind: Profile
        name: everything
        description: every key once
        extends: base
        filesystem:
          binds:
            - /opt
            - {source: /srv/tools, target: /tools, mode: write, execute: false, required: false}
          links: {/tool: tools/bin}
          temporary: {size: 1GiB}
          home: {size: 65536}
          processes: minimal
          installations: {swift: /opt/swift}
          workspace: read
        etc:
          copy: [/etc/hosts.allow]
          files: {hosts: "127.0.0.1 localhost\\n"}
        environment:
          allow: [EDITOR, "XDG_*"]
          set: {LANG: C.UTF-8}
        systemCalls:
          allow: [ptrace]
          deny: [io_uring_setup]
        limits: {memory: 2GiB, processes: 256, cpu: 2, openFiles: 1024, fileSize: 1GiB, io: {write: 16MiB}, whenReached: continue}
        network:
          allow:
            - "*.example.com"
            - {group: package-registries}
            - host: db.example.com
              ports: [5432]
              http: {methods: [GET], paths: [/], maxBody: 4KiB}
              clearText: false
              sni: required
              addresses: [192.168.0.0/16]
          deny:
            - {host: secret.example.com, ports: [22], http: {methods: [PUT], paths: [/x]}}
            - {group: git-hosting}
          tripwire: block
        layers:
          required: [cgroup, limits.memory]
        tests:
          - name: what must work
            run: cat file
            requires: [cat]
            outside: [cat]
            enforced: [landlock]
            without: [seccomp]
            paths: [/etc/hosts]
            environment: {LANG: C}
            files: {file: text}
            task:
              workspace: read
              limits: {memory: 1GiB}
              network: {allow: [example.com]}
            tty: false
            deadline: 10s
            exit: 3
            prints: text
          - run: cat /etc/shadow
            refused: {by: seccomp, exit: 1, saying: not permitted, call: openat}

        """

    static let configuration = """
        apiVersion: remit/v1
        kind: Configuration
        trustDomain: example.org
        defaultProfile: coding
        sockets:
          orders-postgres: {path: /var/run/postgresql/.s.PGSQL.5432, target: /run/remit/sockets/.s.PGSQL.5432}
          cache: {path: /run/cache.sock}
        providers:
          orders:
            kind: command
            command: [/usr/local/libexec/remit/remit-provider-postgres, --verbose]
            environment: {PGPASSFILE: /etc/remit/pgpass}
            settings: {host: db, port: 5432, ratio: 0.5, tls: true, grants: [{table: orders, on: [SELECT]}]}
            timeLimit: 10s
            maximumTTL: 5m
            maximumLive: 8
          shop: {kind: postgres}
          signer: {kind: session-token, maximumTTL: 10m}
          anthropic:
            kind: secret
            from: {env: ANTHROPIC_API_KEY}
            placeholder: sk-ant-api03-*
            inject: {host: api.anthropic.com, ports: [443], methods: [POST], paths: ["/v1/**"], header: X-Api-Key, clearText: false}
            timeLimit: 5s
            maximumTTL: 1h
          github:
            kind: secret
            from: {systemdCredential: github-token}
            inject:
              - {host: github.com, basic: true}
              - {host: api.github.com, header: authorization}
              - {host: uploads.github.com, query: token}
              - {host: gist.github.com, body: true}
          aws:
            kind: secret
            from: {command: [/usr/bin/aws, configure, export-credentials]}
            inject: {host: "*.amazonaws.com", sigv4: {services: [s3], regions: [eu-central-1]}}
          key: {kind: secret, from: {file: /etc/remit/secrets/key}, inject: {host: api.example.com, header: authorization}}
        network:
          allow:
            - "*.example.com"
            - {group: git-hosting}
            - host: db.example.com
              ports: [5432]
              http: {methods: [GET], paths: [/], maxBody: 4KiB}
              clearText: true
              sni: optional
              addresses: [10.0.0.0/8]
          deny:
            - 10.1.0.0/16
            - {host: old.example.com, ports: [80], http: {methods: [PUT], paths: [/x]}}
            - {group: model-apis}
          tripwire: end
          hosts: {db.example.com: [10.0.0.5, "fd00::5"]}
          authorities: [/etc/remit/authority.pem]
          clientCertificates: [{host: mtls.example.com, certificate: /etc/remit/client.pem, key: /etc/remit/client.key}]
        groups:
          internal:
            - intranet.example.com
            - host: wiki.example.com
              ports: [443]
              http: {methods: [GET], paths: ["/**"], maxBody: 1MiB}
              clearText: false
              sni: required
              addresses: [10.0.0.0/8]
        prices:
          claude-sonnet-*: {input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75}
          "*": {input: 10, output: 30}

        """
}

extension Samples {
    static func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
        try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
    }
}
