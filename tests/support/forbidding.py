"""A process that dies when anything in it, a C library too, opens a socket. Linux only."""

from __future__ import annotations

import platform
import signal
import sys

DIED = -signal.SIGSYS

_SOCKET_CALL = {"x86_64": 41, "aarch64": 198}.get(platform.machine())
CAN_FORBID = sys.platform == "linux" and _SOCKET_CALL is not None

# A seccomp filter: load the number of the system call; kill at socket(2), else go on.
FORBID_SOCKETS = f"""
import ctypes, struct
rules = b"".join(struct.pack("HBBI", *rule) for rule in (
    (0x20, 0, 0, 0), (0x15, 0, 1, {_SOCKET_CALL}), (0x06, 0, 0, 0x80000000),
    (0x06, 0, 0, 0x7FFF0000),
))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("rules", ctypes.c_char_p)]
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.byref(Program(4, rules)), 0, 0) == 0  # PR_SET_SECCOMP
"""
