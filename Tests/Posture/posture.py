# SPDX-License-Identifier: Apache-2.0
"""Looks at live sessions from outside and says what does not hold.

    scripts/posture BINARY

`remit inspect --posture` looks at sessions of every kind and must find no difference; sessions that are changed from
outside while they run are its controls: there it must find that difference. What it does not look at is looked at here.
One line per check: `ok NAME`, `not ok NAME: why` or `skip NAME: why`. Exit status 1 if one is not ok.
"""

import os
import signal
import sys

import controls
import outside
import plans
import session


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    binary = os.path.abspath(sys.argv[1])
    # What is cut off in the middle still ends its sessions.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with session.running(binary) as task:
            found = task.differences()
            session.check("a session with credentials holds its plan", f"{found}" if found else None)
            outside.check_mounts(task)
            outside.check_environment(task)
            outside.check_secret(task)
            outside.check_supervisor(task)
            outside.check_end(task, binary)
        plans.check_sessions(binary)
        plans.check_storm(binary)
        controls.control_stranger(binary)
        controls.control_tracer(binary)
        controls.control_descriptors(binary)
        controls.control_as_root(binary)
    except RuntimeError as error:
        session.check("a session starts", str(error))
    return 1 if session.failed else 0


if __name__ == "__main__":
    sys.exit(main())
