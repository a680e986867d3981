"""An origin, and clients of a proxy that behave in every way there is. Used by scripts/leaks.sh.

    traffic.py origin                       prints its port, and serves until it is killed
    traffic.py clients PROXY ORIGIN COUNT   exits with 1 when an answer is not the one that it should be
"""

import collections
import random
import socket
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 120
BULK = 1_000_000


def read_head(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(1)
        if not more:
            break
        head += more
    return head


def answer(sock):
    """One request: GET /N gives N octets; then to the end of what the client says."""
    with sock:
        try:
            head = read_head(sock)
            if head:
                octets = int(head.split(b" ")[1].rsplit(b"/", 1)[-1])
                sock.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % octets)
                sock.sendall(b"x" * octets)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
        except OSError:
            pass  # the client went away, as some of them should


def origin():
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=answer, args=(sock,), daemon=True).start()


def read_all(sock):
    octets = 0
    while more := sock.recv(65536):
        octets += len(more)
    return octets


def tunnel(sock, host, port):
    sock.sendall(b"CONNECT %s:%d HTTP/1.1\r\nhost: %s:%d\r\n\r\n" % (host, port, host, port))
    head = read_head(sock)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise ValueError(head)


def fetch(sock, octets):
    sock.sendall(b"GET /%d HTTP/1.1\r\nhost: o\r\n\r\n" % octets)
    read_head(sock)


def expect(what, wanted):
    if what != wanted:
        raise ValueError(f"{what!r} and not {wanted!r}")


def whole(sock, host, port, octets):
    tunnel(sock, host, port)
    fetch(sock, octets)
    expect(read_all(sock), octets)


def half_closed(sock, host, port):
    tunnel(sock, host, port)
    sock.sendall(b"GET /5000 HTTP/1.1\r\nhost: o\r\n\r\n")
    sock.shutdown(socket.SHUT_WR)
    read_head(sock)
    expect(read_all(sock), 5000)


def reset(sock, host, port):
    tunnel(sock, host, port)
    fetch(sock, BULK)
    sock.recv(1000)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def plain(sock, host, port):
    sock.sendall(b"GET http://%s:%d/7000 HTTP/1.1\r\nhost: %s:%d\r\nconnection: close\r\n\r\n" % (host, port, host, port))
    expect(read_head(sock).split(b" ")[1], b"200")
    expect(read_all(sock), 7000)


def refused(sock, *_):
    sock.sendall(b"CONNECT denied.example:443 HTTP/1.1\r\nhost: denied.example:443\r\n\r\n")
    expect(read_head(sock).split(b" ")[1], b"403")


def malformed(sock, *_):
    sock.sendall(b"CONNECT no port HTTP/1.1\r\n\r\n")
    expect(read_head(sock).split(b" ")[1], b"400")


def silent(sock, *_):
    sock.sendall(b"CONN")


KINDS = {
    "bulk": lambda sock, host, port: whole(sock, host, port, BULK),
    "half-closed": half_closed,
    "malformed": malformed,
    "plain": plain,
    "refused": refused,
    "reset": reset,
    "short": lambda sock, host, port: whole(sock, host, port, 300),
    "silent": silent,
}
# By name is direct, by address is the gateway's; see the rules that leaks.sh writes.
HOSTS = {"direct": b"localhost", "gateway": b"127.0.0.1"}


def wait_for_gateway(proxy, port):
    """The first handshakes may take longer than the proxy has patience for."""
    for _ in range(30):
        try:
            with socket.create_connection(("127.0.0.1", proxy), timeout=PATIENCE) as sock:
                return whole(sock, HOSTS["gateway"], port, 10)
        except (OSError, ValueError):
            time.sleep(2)


def clients(proxy, port, count):
    wait_for_gateway(proxy, port)
    dice = random.Random(1)
    plan = [(dice.choice(list(KINDS)), dice.choice(list(HOSTS))) for _ in range(count)]

    def one(what):
        kind, route = what
        try:
            with socket.create_connection(("127.0.0.1", proxy), timeout=PATIENCE) as sock:
                KINDS[kind](sock, HOSTS[route], port)
            return None
        except (OSError, ValueError, IndexError) as error:
            return f"{kind} {route}: {error!r}"

    with ThreadPoolExecutor(16) as pool:
        failures = [failure for failure in pool.map(one, plan) if failure]
    counts = collections.Counter(kind for kind, _ in plan)
    print("clients:", ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())))
    print(*failures, sep="\n", end="\n" if failures else "")
    sys.exit(1 if failures else 0)


if sys.argv[1] == "origin":
    origin()
else:
    clients(*map(int, sys.argv[2:]))
