// SPDX-License-Identifier: Apache-2.0
// Made by scripts/embed-profiles from profiles/*.yaml: change those, and run it again.
// swift-format-ignore-file

/// The shipped profiles as text, so that `remit` needs no file to run a command.
package enum BuiltInProfiles {
    /// Name and text of each, and the rest of its text, which holds its tests.
    package static let texts: [(name: String, text: String, tests: String)] = [
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

            """##,
            ##"""
            tests:
              - name: the host's programs run
                run: ls / && /bin/sh -c 'sed --version' | head -n 1
                prints: usr
              - name: links lead to where distributions look for programs and libraries
                run: readlink /bin /lib /lib64 /sbin | tr '\n' .
                prints: usr/bin.usr/lib.usr/lib64.usr/sbin.
              - name: what programs read of /etc is there
                run: for path; do test -r "$path" || { echo "$path is missing"; exit 1; }; done
                paths:
                  - /etc/ld.so.cache
                  - /etc/ld.so.conf
                  - /etc/ld.so.conf.d
                  - /etc/ssl/certs
                  - /etc/ssl/openssl.cnf
                  - /etc/ca-certificates
                  - /etc/ca-certificates.conf
                  - /etc/localtime
                  - /etc/timezone
                  - /etc/locale.alias
                  - /etc/default/locale
                  - /etc/alternatives
                  - /etc/services
                  - /etc/protocols
                  - /etc/mime.types
                  - /etc/terminfo
                  - /etc/inputrc
                  - /etc/profile
                  - /etc/bash.bashrc
                  - /etc/os-release
                  - /etc/debian_version
              - name: the search path
                run: echo "is $PATH."
                prints: is /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin.
              - name: leak checkers are told that they may not trace
                run: echo "$ASAN_OPTIONS $LSAN_OPTIONS."
                prints: detect_leaks=0 detect_leaks=0.
              - name: how the caller's terminal, language and time are is passed on
                run: echo "$TERM $COLORTERM $NO_COLOR $LANG $LANGUAGE $LC_TIME $TZ"
                environment: {TERM: vt100, COLORTERM: truecolor, NO_COLOR: "1", LANG: C, LANGUAGE: en, LC_TIME: C, TZ: UTC}
                prints: vt100 truecolor 1 C en C UTC
              - name: a terminal is one
                run: tty && stty size
                tty: true
                prints: 24 80
              - name: the workspace, /tmp and the home can be written
                run: for place in . /tmp ~; do echo text >"$place/file" && cat "$place/file" || exit 1; done
                prints: text
              - name: a size is held
                run: fallocate -l 1T /tmp/file
                refused: {by: volumes, saying: No space left on device}
              - name: the size of /tmp
                run: stat -f -c '%b blocks of %S' /tmp
                prints: 16384 blocks of 4096
              - name: the size of the home
                run: stat -f -c '%b blocks of %S' ~
                prints: 16384 blocks of 4096
              - name: secrets of the caller's environment stay out
                run: printenv AWS_SECRET_ACCESS_KEY
                environment: {AWS_SECRET_ACCESS_KEY: secret}
                refused: {by: environment, exit: 1}
              - name: passwords of the host stay out
                run: cat /etc/shadow
                refused: {by: mounts, saying: No such file or directory}
              - name: keys of the host's servers stay out
                run: ls /etc/ssl/private
                refused: {by: mounts, saying: No such file or directory}
              - name: homes of the host stay out
                run: ls /root
                refused: {by: mounts, saying: No such file or directory}
              - name: the host's programs stay as they are
                run: mkdir /usr/new
                refused: {by: mounts, saying: Read-only file system}
              # access(2) asks for modes only: what may be read by them and cannot is refused by a rule.
              - name: what no rule shows is not opened
                run: test -r /.sealed && cat /.sealed
                enforced: [landlock]
                refused: {by: landlock, saying: Permission denied}
              - name: there is no route out
                run: bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'
                refused: {by: namespaces, saying: Network is unreachable}
              - name: no name leads anywhere
                run: bash -c 'exec 3<>/dev/tcp/example.com/443'
                refused: {by: namespaces, saying: name resolution}
              - name: processes of the host are not seen
                run: test "$(ls -d /proc/[0-9]* | wc -l)" -lt 10 && ! test -e /proc/version && echo few
                prints: few
              - name: how busy the host is
                run: for file in cpuinfo loadavg meminfo stat uptime; do test -e /proc/$file && exit 1; done; echo untold
                prints: untold
              - name: there is no capability
                run: test "$(grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f 2 | sort -u)" = 0000000000000000 && echo none
                prints: none
              - name: no new user namespace, and with it no new capabilities
                run: unshare --user true
                refused: {by: seccomp, saying: Operation not permitted, call: unshare}
              - name: no other root
                run: chroot /tmp true
                refused: {by: seccomp, saying: Operation not permitted, call: chroot}
              - name: no session starts on a host that lacks a layer
                run: "true"
                without: [namespaces, mounts, userns-door, capabilities, seccomp, guard]
                refused: {by: admission, exit: 126, saying: required layer}

            """##
        ),
        (
            "ci",
            ##"""
            # For jobs of continuous integration: nobody is there to answer, and a log is all that is read of it.
            apiVersion: remit/v1
            kind: Profile
            name: ci
            description: builds and tests in continuous integration, ended when they run into a limit
            extends: coding
            environment:
              # By name, what says which change is built. Not CI_* or GITHUB_*: CI_JOB_TOKEN and GITHUB_TOKEN are among them.
              allow:
                - GITHUB_ACTIONS
                - GITHUB_REF
                - GITHUB_REPOSITORY
                - GITHUB_RUN_ID
                - GITHUB_SHA
                - GITLAB_CI
                - CI_COMMIT_REF_NAME
                - CI_COMMIT_SHA
                - CI_PIPELINE_ID
                - CI_PROJECT_PATH
                - BUILD_NUMBER
              set:
                CI: "true"                      # many tools ask only for this one
                TERM: dumb                      # no escape sequences into a log
                PAGER: cat
                EDITOR: "false"                 # what opens an editor fails at once, and does not wait
                DEBIAN_FRONTEND: noninteractive
            # A job that runs out of memory is red for a reason that its exit code says (122), and not by whatever failed then.
            limits: {memory: 8GiB, processes: 2048, whenReached: end}

            """##,
            ##"""
            tests:
              - name: what says which change is built is passed on
                run: >-
                  echo "$GITHUB_ACTIONS $GITHUB_REF $GITHUB_REPOSITORY $GITHUB_RUN_ID $GITHUB_SHA $GITLAB_CI $CI_COMMIT_REF_NAME
                  $CI_COMMIT_SHA $CI_PIPELINE_ID $CI_PROJECT_PATH $BUILD_NUMBER"
                environment:
                  GITHUB_ACTIONS: a
                  GITHUB_REF: b
                  GITHUB_REPOSITORY: c
                  GITHUB_RUN_ID: d
                  GITHUB_SHA: e
                  GITLAB_CI: f
                  CI_COMMIT_REF_NAME: g
                  CI_COMMIT_SHA: h
                  CI_PIPELINE_ID: i
                  CI_PROJECT_PATH: j
                  BUILD_NUMBER: k
                prints: a b c d e f g h i j k
              - name: the job's own token stays out
                run: printenv CI_JOB_TOKEN
                environment: {CI_JOB_TOKEN: secret}
                refused: {by: environment, exit: 1}
              - name: how the caller's terminal, language and time are is passed on
                run: echo "$COLORTERM $NO_COLOR $LANG $LANGUAGE $LC_TIME $TZ"
                environment: {COLORTERM: truecolor, NO_COLOR: "1", LANG: C, LANGUAGE: en, LC_TIME: C, TZ: UTC}
                prints: truecolor 1 C en C UTC
              - name: what the caller's tools are told is passed on
                run: echo "$CI $TERM $PAGER $EDITOR $DEBIAN_FRONTEND."
                environment: {CI: "no", TERM: vt100, EDITOR: ed, PAGER: less}
                prints: true dumb cat false noninteractive.
              - name: a job that runs out of memory is ended for it
                run: head -c 500M /dev/zero | tail; sleep 30
                enforced: [limits.memory]
                task: {limits: {memory: 48MiB}}
                refused: {by: limits.memory, exit: 122}
              - name: no task goes on where it would be ended
                run: "true"
                task: {limits: {whenReached: continue}}
                refused: {by: admission, exit: 126, saying: above the profile's `end`}
              - name: no task gets more memory
                run: "true"
                task: {limits: {memory: 1024TiB}}
                refused: {by: admission, exit: 126, saying: above the profile's `8GiB`}
              - name: no task gets more processes
                run: "true"
                task: {limits: {processes: 4194304}}
                refused: {by: admission, exit: 126, saying: above the profile's `2048`}
              - name: a job that clones does not wait for a password
                run: echo "is $GIT_TERMINAL_PROMPT."
                prints: is 0.

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
              processes: statistics         # top, htop, ps, free; test runners that look how many processors are idle
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

            """##,
            ##"""
            tests:
              - name: programs of developers find what they read of /etc
                run: for path; do test -r "$path" || { echo "$path is missing"; exit 1; }; done
                paths: [/etc/gitconfig, /etc/maven, /etc/nodejs, /etc/fonts]
              - name: how busy the host is
                run: for file in cpuinfo loadavg meminfo stat uptime; do grep -q . /proc/$file && echo $file; done | tr '\n' .
                prints: cpuinfo.loadavg.meminfo.stat.uptime.
              - name: how busy the host is cannot be written
                run: echo 1 >/proc/loadavg
                refused: {by: mounts, saying: Read-only file system}
              - name: what the caller's tools are told is passed on
                run: echo "$CI $EDITOR $PAGER"
                environment: {CI: "1", EDITOR: ed, PAGER: less}
                prints: 1 ed less
              - name: git asks nobody for a password
                run: echo "is $GIT_TERMINAL_PROMPT."
                prints: is 0.
              - name: git makes a repository and a commit
                run: |
                  git init -q . && echo text >file && git add file &&
                    git -c user.name=a -c user.email=a@example.com commit -q -m first && git log --format=%s
                requires: [git]
                prints: first
              - name: gcc and make build a program
                run: make -s hello CC=gcc && ./hello
                requires: [gcc, make]
                files: {hello.c: "#include <stdio.h>\nint main(void) { puts(\"built\"); }\n"}
                prints: built
              - name: git credentials of the host stay out
                run: printenv GITHUB_TOKEN
                environment: {GITHUB_TOKEN: secret}
                refused: {by: environment, exit: 1}
              - name: the size of /tmp
                run: stat -f -c '%b blocks of %S' /tmp
                prints: 524288 blocks of 4096
              - name: the size of the home
                run: stat -f -c '%b blocks of %S' ~
                prints: 524288 blocks of 4096
              - name: open files are at most what is given
                run: test "$(ulimit -n)" -le 65536 && echo few
                prints: few
              - name: no task gets more memory
                run: "true"
                task: {limits: {memory: 1024TiB}}
                refused: {by: admission, exit: 126, saying: above the profile's `16GiB`}
              - name: no task gets more processes
                run: "true"
                task: {limits: {processes: 4194304}}
                refused: {by: admission, exit: 126, saying: above the profile's `4096`}
              - name: no task gets more open files
                run: "true"
                task: {limits: {openFiles: 1048576}}
                refused: {by: admission, exit: 126, saying: above the profile's `65536`}
              - name: no session starts on a host without Landlock
                run: "true"
                without: [landlock]
                refused: {by: admission, exit: 126, saying: required layer}

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

            """##,
            ##"""
            tests:
              - name: interpreters and virtual machines find what they read of /etc
                run: for path; do test -r "$path" || { echo "$path is missing"; exit 1; }; done
                paths:
                  - /etc/python3
                  - /etc/perl
                  - /etc/java-17-openjdk
                  - /etc/java-21-openjdk
                  - /etc/java-25-openjdk
                  - /etc/manpath.config
                  - /etc/groff
              - name: the size of /tmp
                run: stat -f -c '%b blocks of %S' /tmp
                prints: 65536 blocks of 4096
              - name: the size of the home
                run: stat -f -c '%b blocks of %S' ~
                prints: 65536 blocks of 4096
              - name: python3 has its modules
                run: python3 -c 'import json, socket, sqlite3, ssl, subprocess; print(sqlite3.connect(":memory:").execute("select 42").fetchone())'
                requires: [python3]
                prints: "(42,)"
              - name: a script finds its interpreter
                run: sh script && ./script
                files: {script: "#!/bin/sh\nchmod +x \"$0\"; echo ran\n"}
                prints: ran
              - name: open files are at most what is given
                run: test "$(ulimit -n)" -le 4096 && echo few
                prints: few
              - name: memory that is not there is not given
                run: head -c 500M /dev/zero | tail
                enforced: [limits.memory]
                task: {limits: {memory: 48MiB}}
                refused: {by: limits.memory}
              - name: no task gets more memory
                run: "true"
                task: {limits: {memory: 1024TiB}}
                refused: {by: admission, exit: 126, saying: above the profile's `4GiB`}
              - name: no task gets more processes
                run: "true"
                task: {limits: {processes: 4194304}}
                refused: {by: admission, exit: 126, saying: above the profile's `512`}
              - name: no task gets more open files
                run: "true"
                task: {limits: {openFiles: 1048576}}
                refused: {by: admission, exit: 126, saying: above the profile's `4096`}
              - name: no session starts on a host without Landlock
                run: "true"
                without: [landlock]
                refused: {by: admission, exit: 126, saying: required layer}

            """##
        ),
        (
            "jvm",
            ##"""
            # For Java, Kotlin and Scala: the system's virtual machine, or the one that the caller's search path leads to.
            apiVersion: remit/v1
            kind: Profile
            name: jvm
            description: programs of the Java virtual machine, Gradle and Maven
            extends: coding
            filesystem:
              installations: {java: /opt/java}          # of adoptium.net or SDKMAN
            etc:
              copy:
                - /etc/java-8-openjdk
                - /etc/java-11-openjdk
            environment:
              set:
                PATH: /opt/java/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
                GRADLE_OPTS: -Dorg.gradle.daemon=false  # a daemon would keep the session from ending, and end with it
                MAVEN_ARGS: --batch-mode --no-transfer-progress

            """##,
            ##"""
            tests:
              - name: the search path
                run: echo "is $PATH."
                prints: is /opt/java/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin.
              - name: older virtual machines find what they read of /etc
                run: for path; do test -r "$path" || { echo "$path is missing"; exit 1; }; done
                paths: [/etc/java-8-openjdk, /etc/java-11-openjdk]
              - name: what Gradle and Maven are told
                run: echo "$GRADLE_OPTS $MAVEN_ARGS."
                prints: -Dorg.gradle.daemon=false --batch-mode --no-transfer-progress.
              - name: a program is compiled and run
                run: javac Main.java && java Main
                requires: [java, javac]
                deadline: 3m
                files:
                  Main.java: |
                    public class Main {
                        public static void main(String[] arguments) throws Exception {
                            Thread thread = new Thread(() -> System.out.println("threads"));
                            thread.start();
                            thread.join();
                            System.out.println(java.security.Security.getProviders().length > 0 ? "secure" : "insecure");
                        }
                    }
                prints: secure
              - name: a virtual machine outside /usr is found where the caller has it
                run: command -v java
                outside: [java]
                prints: /opt/java/bin/java
              - name: options that load code stay out
                run: printenv JAVA_TOOL_OPTIONS
                environment: {JAVA_TOOL_OPTIONS: -Xshare:auto}
                refused: {by: environment, exit: 1}
              - name: a build that fetches from a repository does not wait for a password
                run: echo "is $GIT_TERMINAL_PROMPT."
                prints: is 0.

            """##
        ),
        (
            "minimal",
            ##"""
            # For one program and its input. Where a program runs under this profile, it needs nothing from any other.
            apiVersion: remit/v1
            kind: Profile
            name: minimal
            description: one program and its input, with small limits and fewer system calls
            extends: base
            filesystem:
              temporary: {size: 32MiB}
              home: {size: 16MiB}
            systemCalls:
              deny:
                - "@aio"                        # input and output behind the calls that say what is done
                - "@sandbox"                    # an agent's own sandbox in this one
                - memfd_create                  # programs that are in no file
            limits: {memory: 1GiB, processes: 64, openFiles: 512, fileSize: 256MiB}
            layers:
              required: [landlock]

            """##,
            ##"""
            tests:
              - name: the size of /tmp
                run: stat -f -c '%b blocks of %S' /tmp
                prints: 8192 blocks of 4096
              - name: the size of the home
                run: stat -f -c '%b blocks of %S' ~
                prints: 4096 blocks of 4096
              # By number, which differs between machines. perl is on every Debian, and needs no module for it.
              - name: no asynchronous input and output
                run: |
                  perl -e 'syscall(`uname -m` =~ /x86/ ? 206 : 0, 1, 0); die "$!\n"'
                requires: [perl]
                refused: {by: seccomp, saying: Operation not permitted, call: io_setup}
              - name: no sandbox of an agent's own
                run: |
                  perl -e 'syscall(444, 0, 0, 1); die "$!\n"'
                requires: [perl]
                refused: {by: seccomp, saying: Operation not permitted, call: landlock_create_ruleset}
              - name: no program that is in no file
                run: |
                  perl -e 'my $name = "name"; syscall(`uname -m` =~ /x86/ ? 319 : 279, $name, 0); die "$!\n"'
                requires: [perl]
                refused: {by: seccomp, saying: Operation not permitted, call: memfd_create}
              - name: a size is held
                run: fallocate -l 64M /tmp/file
                refused: {by: volumes, saying: No space left on device}
              - name: open files are at most what is given
                run: test "$(ulimit -n)" -le 512 && echo few
                prints: few
              - name: files are small
                run: ulimit -f; head -c 300M /dev/zero >file
                refused: {by: limits.fileSize}
              - name: processes are few
                run: for n in $(seq 100); do sleep 30 & done
                enforced: [limits.processes]
                refused: {by: limits.processes}
              - name: memory that is not there is not given
                run: head -c 500M /dev/zero | tail
                enforced: [limits.memory]
                task: {limits: {memory: 48MiB}}
                refused: {by: limits.memory}
              - name: no task gets more memory
                run: "true"
                task: {limits: {memory: 1024TiB}}
                refused: {by: admission, exit: 126, saying: above the profile's `1GiB`}
              - name: no task gets more processes
                run: "true"
                task: {limits: {processes: 4194304}}
                refused: {by: admission, exit: 126, saying: above the profile's `64`}
              - name: no task gets more open files
                run: "true"
                task: {limits: {openFiles: 1048576}}
                refused: {by: admission, exit: 126, saying: above the profile's `512`}
              - name: no task gets larger files
                run: "true"
                task: {limits: {fileSize: 1024TiB}}
                refused: {by: admission, exit: 126, saying: above the profile's `256MiB`}
              - name: no session starts on a host without Landlock
                run: "true"
                without: [landlock]
                refused: {by: admission, exit: 126, saying: required layer}

            """##
        ),
        (
            "node",
            ##"""
            # For Node.js: the system's, or the one that the caller's search path leads to.
            apiVersion: remit/v1
            kind: Profile
            name: node
            description: JavaScript and TypeScript on Node.js, and their tests
            extends: coding
            filesystem:
              installations: {node: /opt/node}          # of nodejs.org or nvm
            environment:
              allow: [NODE_ENV]                         # not NODE_OPTIONS, which loads code into every program
              set:
                PATH: /opt/node/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
                # npm asks hosts that no rule allows, and says so in every log.
                NPM_CONFIG_UPDATE_NOTIFIER: "false"
                NPM_CONFIG_FUND: "false"
                NPM_CONFIG_AUDIT: "false"

            """##,
            ##"""
            tests:
              - name: the search path
                run: echo "is $PATH."
                prints: is /opt/node/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin.
              - name: what npm is told
                run: echo "$NODE_ENV $NPM_CONFIG_UPDATE_NOTIFIER $NPM_CONFIG_FUND $NPM_CONFIG_AUDIT."
                environment: {NODE_ENV: test}
                prints: test false false false.
              - name: node runs, with threads and a server of its own
                run: node main.mjs
                requires: [node]
                files:
                  main.mjs: |
                    import { createServer } from "node:http";
                    import { Worker } from "node:worker_threads";
                    await new Promise((done) => new Worker("process.exit(0)", { eval: true }).on("exit", done));
                    const server = createServer((_, reply) => reply.end("served")).listen(0, "127.0.0.1", async () => {
                      const reply = await fetch(`http://127.0.0.1:${server.address().port}/`);
                      console.log(await reply.text());
                      server.close();
                    });
                prints: served
              - name: an interpreter outside /usr is found where the caller has it
                run: command -v node
                outside: [node]
                prints: /opt/node/bin/node
              - name: the registry's token stays out
                run: printenv NPM_TOKEN
                environment: {NPM_TOKEN: secret}
                refused: {by: environment, exit: 1}
              - name: options that load code stay out
                run: printenv NODE_OPTIONS
                environment: {NODE_OPTIONS: --no-warnings}
                refused: {by: environment, exit: 1}
              - name: a package that is fetched from a repository does not wait for a password
                run: echo "is $GIT_TERMINAL_PROMPT."
                prints: is 0.

            """##
        ),
        (
            "python",
            ##"""
            # For Python: the system's interpreter, or the one that the caller's search path leads to.
            apiVersion: remit/v1
            kind: Profile
            name: python
            description: Python programs, virtual environments and their tests
            extends: coding
            filesystem:
              installations: {python3: /opt/python}     # of uv, or made from source
            environment:
              set:
                PATH: /home/agent/.local/bin:/opt/python/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
                PYTHONUNBUFFERED: "1"               # what was printed before a limit or a deadline is seen
                PYTHONDONTWRITEBYTECODE: "1"        # a change that is reviewed holds sources only
                PIP_DISABLE_PIP_VERSION_CHECK: "1"  # the question would go to a host that no rule allows
                PIP_NO_INPUT: "1"
                # Not PIP_INDEX_URL or PIP_CONFIG_FILE of the caller: an address with a password in it is a secret.

            """##,
            ##"""
            tests:
              - name: the search path
                run: echo "is $PATH."
                prints: is /home/agent/.local/bin:/opt/python/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin.
              - name: what Python and pip are told
                run: echo "$PYTHONUNBUFFERED$PYTHONDONTWRITEBYTECODE$PIP_DISABLE_PIP_VERSION_CHECK$PIP_NO_INPUT."
                prints: "1111."
              - name: an interpreter outside /usr is found where the caller has it
                run: command -v python3
                outside: [python3]
                prints: /opt/python/bin/python3
              - name: a virtual environment is made without a network
                run: python3 -m venv --without-pip venv && venv/bin/python -c 'import sys; assert sys.prefix != sys.base_prefix; print("made")'
                requires: [python3]
                prints: made
              - name: unit tests are found and run, processes and threads included
                run: python3 -m unittest -v && ! ls -d __pycache__
                requires: [python3]
                files:
                  test_work.py: |
                    import concurrent.futures, multiprocessing, tempfile, unittest
                    class Work(unittest.TestCase):
                        def test_processes(self):
                            with multiprocessing.Pool(2) as pool:
                                self.assertEqual(pool.map(abs, [-1, 2]), [1, 2])
                        def test_threads(self):
                            with concurrent.futures.ThreadPoolExecutor(4) as pool, tempfile.TemporaryFile() as file:
                                file.write(bytes(list(pool.map(abs, [-1, 2]))))
                    if __name__ == "__main__":
                        unittest.main()
              - name: an index with a password in it stays out
                run: printenv PIP_INDEX_URL
                environment: {PIP_INDEX_URL: "https://user:secret@example.com/simple"}
                refused: {by: environment, exit: 1}
              - name: a package that is fetched from a repository does not wait for a password
                run: echo "is $GIT_TERMINAL_PROMPT."
                prints: is 0.

            """##
        ),
        (
            "read-only-review",
            ##"""
            # For agents that read a change and say what they think of it: whatever they are talked into, nothing is written.
            apiVersion: remit/v1
            kind: Profile
            name: read-only-review
            description: reviews of a workspace that cannot be changed; models may be asked, and nothing else
            extends: default
            filesystem:
              workspace: read
            etc:
              copy:
                - /etc/gitconfig
            environment:
              set:
                GIT_OPTIONAL_LOCKS: "0"                 # git status would write the index
                GIT_PAGER: cat
            network:
              allow:
                - {group: model-apis}                   # at most: a review that could post would be a way out for what it read
            limits: {fileSize: 64MiB}

            """##,
            ##"""
            tests:
              - name: what git reads of /etc is there
                run: for path; do test -r "$path" || { echo "$path is missing"; exit 1; }; done
                paths: [/etc/gitconfig]
              - name: what git is told
                run: echo "$GIT_OPTIONAL_LOCKS $GIT_PAGER."
                prints: 0 cat.
              - name: the workspace, /tmp and the home can be written
                run: for place in /tmp ~; do echo text >"$place/file" && cat "$place/file" || exit 1; done; cat change
                files: {change: "a change\n"}
                prints: a change
              - name: the workspace is not written
                run: mkdir new
                refused: {by: mounts, saying: Read-only file system}
              - name: no task writes it either
                run: "true"
                task: {workspace: write}
                refused: {by: admission, exit: 126, saying: above the `read` of profile}
              - name: a script finds its interpreter
                run: sh script
                files: {script: "#!/bin/sh\necho ran\n"}
                prints: ran
              - name: no task reaches anything but models
                run: "true"
                task: {network: {allow: [example.com]}}
                refused: {by: admission, exit: 126}
              - name: a size is held
                run: for n in 1 2 3 4 5; do fallocate -l 60M /tmp/$n || exit 1; done
                refused: {by: volumes, saying: No space left on device}
              - name: files are small
                run: head -c 100M /dev/zero >/tmp/file
                refused: {by: limits.fileSize}
              - name: no task gets larger files
                run: "true"
                task: {limits: {fileSize: 1024TiB}}
                refused: {by: admission, exit: 126, saying: above the profile's `64MiB`}
              - name: models may be asked
                run: getent hosts api.anthropic.com
                enforced: [egress]
                task: {network: {allow: [{group: model-apis}]}}
                prints: api.anthropic.com
              - name: no session starts on a host without Landlock
                run: "true"
                without: [landlock]
                refused: {by: admission, exit: 126, saying: required layer}

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
            extends: minimal
            limits: {cpu: 1}
            layers:
              required: [landlock-truncate, landlock-scopes, cgroup, limits.memory, limits.processes, limits.cpu]

            """##,
            ##"""
            tests:
              - name: no task gets more processors
                run: "true"
                task: {limits: {cpu: 1024}}
                refused: {by: admission, exit: 126, saying: above the profile's `1.0`}
              - name: no session starts on a host that lacks any layer
                run: "true"
                without: [landlock-truncate, landlock-scopes, cgroup, limits.memory, limits.processes, limits.cpu]
                refused: {by: admission, exit: 126, saying: required layer}
              - name: no task gets more memory
                run: "true"
                task: {limits: {memory: 1024TiB}}
                refused: {by: admission, exit: 126, saying: above the profile's `1GiB`}

            """##
        ),
        (
            "swift",
            ##"""
            # For Swift, whose toolchain is seldom in /usr: swift.org and swiftly unpack it wherever the caller wants.
            apiVersion: remit/v1
            kind: Profile
            name: swift
            description: Swift packages, built and tested
            extends: coding
            filesystem:
              installations: {swift: /opt/swift}
              home: {size: 8GiB}                        # caches of modules and packages
            environment:
              set:
                PATH: /opt/swift/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin

            """##,
            ##"""
            tests:
              - name: the search path
                run: echo "is $PATH."
                prints: is /opt/swift/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin.
              - name: the size of the home
                run: stat -f -c '%b blocks of %S' ~
                prints: 2097152 blocks of 4096
              - name: a toolchain outside /usr is found where the caller has it
                run: command -v swift
                outside: [swift]
                prints: /opt/swift/bin/swift
              - name: a program is compiled and run
                run: swiftc main.swift && ./main
                requires: [swift, swiftc]
                deadline: 5m
                files: {main.swift: "import Foundation\nprint(\"compiled\", Data([1]).count)\n"}
                prints: compiled 1
              - name: a package is built
                run: swift build --scratch-path /tmp/build && /tmp/build/debug/Tool
                requires: [swift]
                deadline: 5m
                files:
                  Package.swift: |
                    // swift-tools-version: 5.9
                    import PackageDescription
                    let package = Package(name: "Tool", targets: [.executableTarget(name: "Tool")])
                  Sources/Tool/main.swift: |
                    print("packaged")
                prints: packaged
              - name: a package that is fetched from a repository does not wait for a password
                run: echo "is $GIT_TERMINAL_PROMPT."
                prints: is 0.

            """##
        ),
    ]
}
