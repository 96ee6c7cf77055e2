"""Runs a command on a terminal of 40 lines by 100 columns and types: usage: typed.py [EXPECT TEXT]... -- COMMAND [ARG...]

Each TEXT (with Python's escapes) is typed once EXPECT has been printed, after what was expected before. When all has been
typed it waits for the end; prints all that the command printed, and exits as it did. A minute is all that it gets.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

separator = sys.argv.index("--")
steps, command = sys.argv[1:separator], sys.argv[separator + 1:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    os.execvp(command[0], command)
printed, seen, deadline = b"", 0, time.monotonic() + 60
while True:
    if steps:
        at = printed.find(steps[0].encode(), seen)
        if at >= 0:
            seen = at + len(steps[0].encode())
            os.write(terminal, steps[1].encode().decode("unicode_escape").encode("latin-1"))
            steps = steps[2:]
            continue
    if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
        sys.stdout.buffer.write(printed)
        sys.exit("not printed in time: " + (steps[0] if steps else "the end"))
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    printed += data
sys.stdout.buffer.write(printed)
sys.stdout.flush()
status = os.waitpid(pid, 0)[1]
status = os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
if steps:
    print("not printed before the end:", steps[0], file=sys.stderr)
    status = status or 1
sys.exit(status)
