// SPDX-License-Identifier: Apache-2.0
// Made by scripts/embed-profiles from profiles/*.yaml: change those, and run it again.
// swift-format-ignore-file

/// The shipped profiles as text, so that `remit` needs no file to run a command.
package enum BuiltInProfiles {
    /// Name and text of each.
    package static let texts: [(name: String, text: String)] = [
        (
            "base",
            ##"""
            # What every session's root is made of: the host's programs, read-only, and an /etc without secrets.
            apiVersion: remit/v1
            kind: Profile
            name: base
            description: the host's programs, read-only, and nothing else; made to be extended
            filesystem:
              binds:
                - /usr
              links: {/bin: usr/bin, /lib: usr/lib, /lib64: usr/lib64, /sbin: usr/sbin}
              temporary: {size: 64MiB}
              home: {size: 64MiB}
              processes: minimal
            etc:
              copy:                         # each only where the host has it
                - /etc/ld.so.cache
                - /etc/ld.so.conf
                - /etc/ld.so.conf.d
                - /etc/ssl/certs            # not /etc/ssl: its `private` holds the host's keys
                - /etc/ssl/openssl.cnf
                - /etc/ca-certificates
                - /etc/ca-certificates.conf
                - /etc/localtime
                - /etc/timezone
                - /etc/locale.alias
                - /etc/default/locale
                - /etc/alternatives
                - /etc/services             # getaddrinfo(3) of a service by its name
                - /etc/protocols
                - /etc/mime.types
                - /etc/terminfo
                - /etc/inputrc
                - /etc/profile
                - /etc/bash.bashrc
                - /etc/os-release
                - /etc/debian_version
            environment:
              allow: [TERM, COLORTERM, NO_COLOR, LANG, LANGUAGE, LC_*, TZ]
              set:
                PATH: /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
                # The leak checker traces its own process, which no session allows: with it, every program built with
                # -fsanitize=address would fail at its end, and count as a strike.
                ASAN_OPTIONS: detect_leaks=0
                LSAN_OPTIONS: detect_leaks=0
            layers:
              required: [namespaces, mounts, userns-door, capabilities, seccomp, guard]

            """##
        ),
        (
            "coding",
            ##"""
            # For agents that build and test software.
            apiVersion: remit/v1
            kind: Profile
            name: coding
            description: compilers and test suites, with larger limits
            extends: default
            filesystem:
              temporary: {size: 2GiB}
              home: {size: 2GiB}
            etc:
              copy:
                - /etc/gitconfig
                - /etc/maven
                - /etc/nodejs
                - /etc/fonts                # without it, drawing text fails: java.awt, graphviz
            environment:
              allow: [CI, EDITOR, PAGER]
              set: {GIT_TERMINAL_PROMPT: "0"}
            limits: {memory: 16GiB, processes: 4096, openFiles: 65536}

            """##
        ),
        (
            "default",
            ##"""
            # What a task runs under that names no profile.
            apiVersion: remit/v1
            kind: Profile
            name: default
            description: an agent with the host's programs and moderate limits
            extends: base
            filesystem:
              temporary: {size: 256MiB}
              home: {size: 256MiB}
            etc:
              copy:
                - /etc/python3
                - /etc/perl
                - /etc/java-17-openjdk      # a virtual machine of Debian does not start without it
                - /etc/java-21-openjdk
                - /etc/java-25-openjdk
                - /etc/manpath.config
                - /etc/groff
            limits: {memory: 4GiB, processes: 512, openFiles: 4096}
            layers:
              required: [landlock]          # not cgroup: hosts that delegate none to ordinary users are many

            """##
        ),
        (
            "strict",
            ##"""
            # For tasks that read and report, on hosts that have every layer.
            apiVersion: remit/v1
            kind: Profile
            name: strict
            description: small limits and fewer system calls, only on hosts that have every layer
            extends: base
            filesystem:
              temporary: {size: 32MiB}
              home: {size: 16MiB}
            systemCalls:
              deny:
                - "@aio"                        # input and output behind the calls that say what is done
                - "@sandbox"                    # an agent's own sandbox in this one
                - memfd_create                  # programs that are in no file
            limits: {memory: 1GiB, processes: 64, cpu: 1, openFiles: 512, fileSize: 256MiB}
            layers:
              required: [landlock, landlock-truncate, landlock-scopes, cgroup, limits.memory, limits.processes, limits.cpu]

            """##
        ),
    ]
}
