#!/usr/bin/env python3
"""Many pages, slow attackers and news at once: every update that was answered is stored, no thread is held, memory stays
bounded, new pages are answered, and clients that do not read are dropped.

The real program; all clients are sockets of this process. APF_PAGES and APF_SLOW: how many open pages and slow-loris
connections; APF_UPDATES: how many updates they must survive.
"""
import asyncio
import json
import os
import pathlib
import resource
import socket
import sys
import tempfile

PROGRAM = pathlib.Path(os.environ["APF_BIN_DIR"]) / "apf-monitor"
PAGES, SLOW = int(os.environ.get("APF_PAGES", "500")), int(os.environ.get("APF_SLOW", "50"))
UPDATES = int(os.environ.get("APF_UPDATES", "20000"))
DEAF = 4  # pages that never read
LABELS, CLIENTS, IN_CALL, PATIENCE = 20, 4, 100, 400
FACTORIES = [f"factory-{n}" for n in range(CLIENTS)]
FAT, FAT_LABELS = "fat", 300  # a factory whose page gets some hundred kB when all of its labels change


class Monitor:
    async def start(self, work):
        data = pathlib.Path(work) / "data"
        self.process = await asyncio.create_subprocess_exec(PROGRAM, "run", "--data", data, "--listen", "127.0.0.1:0")
        while not (data / "address").exists():
            if self.process.returncode is not None:
                sys.exit("apf-monitor does not start")
            await asyncio.sleep(0.02)
        self.port = int((data / "address").read_text().rsplit(":", 1)[1])

    def status(self, key):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def sockets(self):
        count = 0
        for fd in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                count += os.readlink(fd).startswith("socket:")
            except FileNotFoundError:  # closed meanwhile
                pass
        return count

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, method, path, body=None):
        """On a connection of its own, as a new page would."""
        reader, writer = await self.connect()
        try:
            return await exchange(reader, writer, method, path, body)
        finally:
            writer.close()


async def exchange(reader, writer, method, path, body=None):
    text = json.dumps(body).encode() if body is not None else b""
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split()[1])
    length = int(head.lower().split(b"content-length:")[1].split()[0])
    answer = await reader.readexactly(length)
    if status != 200:
        sys.exit(f"{method} {path}: {status} {answer[:200]}")
    return json.loads(answer)


async def page(monitor, number, opened):
    """An open page: tells of its beginning, then reads what comes for as long as it may."""
    factory = FACTORIES[number % CLIENTS]
    about = f"factory={factory}"
    if number % 10:
        about = f"factory={factory}&label=L{number % LABELS}" if number % 2 else f"factory={factory}&pilot={number}.1"
    reader, writer = await monitor.connect()
    writer.write(f"GET /api/v1/events?{about} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head:
            sys.exit(f"a page is refused: {head}")
        await reader.readuntil(b"event: hello\n")
        opened.release()
        while await reader.read(65536):
            pass
        return False  # the monitor has cut it off
    finally:
        writer.close()


def deaf_page(monitor):
    """Asks for much and reads nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", monitor.port))
    connection.sendall(f"GET /api/v1/events?factory={FAT} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return connection


async def slow(monitor, number, opened):
    """Never finishes its request: a head a byte at a time, or a body of which half is sent."""
    _, writer = await monitor.connect()
    try:
        if number % 2:
            writer.write(b"POST /api/v1/news HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n" + b" " * 500000)
        else:
            writer.write(b"GET / HTTP/1.1\r\n")
        await writer.drain()
        opened.release()
        while True:
            await asyncio.sleep(1)
            writer.write(b" " if number % 2 else b"a")
            await writer.drain()
    except ConnectionError:
        return  # cut off: as it should be, in its time
    finally:
        writer.close()


async def tell(monitor, number, told):
    """Pilots of a factory and their lives, in bulk calls; each waits for its answer."""
    reader, writer = await monitor.connect()
    calls = UPDATES // CLIENTS // IN_CALL
    for call in range(calls):
        state = ("created", "running", "exiting", "done")[call % 4]
        pilots = [{"id": f"{call // 4 + 1}.{proc}", "label": f"L{proc % LABELS}", "state": state, "node": f"n{proc}"}
                  for proc in range(IN_CALL)]
        answer = await exchange(reader, writer, "POST", "/api/v1/news",
                                {"factory": FACTORIES[number], "pilots": pilots})
        if answer["created"] + answer["updated"] != IN_CALL:
            sys.exit(f"not all were taken: {answer}")
        told[number] += IN_CALL
    writer.close()


async def change_fat(monitor):
    await monitor.ask("POST", "/api/v1/news", {"factory": FAT, "labels": [
        {"name": f"L{n}", "status": f"{os.urandom(8).hex()} {'x' * 900}"} for n in range(FAT_LABELS)]})


async def expect_no_growth(monitor, threads):
    if monitor.status("Threads") != threads:
        sys.exit(f"{monitor.status('Threads')} threads, {threads} before")


async def check_stored(monitor, told):
    """Each pilot that was told is there, in the state that was told last."""
    for number, factory in enumerate(FACTORIES):
        calls = told[number] // IN_CALL
        ended = calls // 4 * IN_CALL
        done = 0
        before = ""
        while True:
            answer = await monitor.ask("GET", f"/api/v1/pilots?factory={factory}&limit=500{before}")
            done += sum(p["state"] == "done" for p in answer["pilots"])
            if not answer["next"]:
                break
            before = f"&before={answer['next']}"
        if done != ended:
            sys.exit(f"{factory}: {done} pilots are done, {ended} were told")
    return await monitor.ask("GET", "/healthz")


async def main(work):
    monitor = Monitor()
    await monitor.start(work)
    try:
        await asyncio.wait_for(survive(monitor), PATIENCE)
    except BaseException:
        monitor.process.kill()
        raise
    monitor.process.terminate()
    if await monitor.process.wait() != 0:
        sys.exit("apf-monitor did not end well")


async def survive(monitor):
    told = [0] * CLIENTS
    await change_fat(monitor)
    threads, resident, sockets = monitor.status("Threads"), monitor.status("VmRSS"), monitor.sockets()
    opened = asyncio.Semaphore(0)
    pages = [asyncio.create_task(page(monitor, n, opened)) for n in range(PAGES)]
    slows = [asyncio.create_task(slow(monitor, n, opened)) for n in range(SLOW)]
    deaf = [deaf_page(monitor) for _ in range(DEAF)]
    for _ in range(PAGES + SLOW):
        await opened.acquire()
    await expect_no_growth(monitor, threads)
    newcomers = 0
    telling = [asyncio.create_task(tell(monitor, n, told)) for n in range(CLIENTS)]
    while not all(t.done() for t in telling):
        await monitor.ask("GET", "/api/v1/overview")
        newcomers += 1
        await expect_no_growth(monitor, threads)
        await asyncio.sleep(0.2)
    await asyncio.gather(*telling)
    health = await check_stored(monitor, told)
    if health["dropped"]:
        sys.exit(f"dropped news: {health}")
    if any(p.done() for p in pages):
        sys.exit("a page that reads was cut off")
    for task in slows:
        task.cancel()
    await asyncio.gather(*slows, return_exceptions=True)
    while monitor.sockets() > sockets + PAGES:  # those that do not read are dropped once enough waits for them
        await change_fat(monitor)
        await asyncio.sleep(0.1)
    if any(p.done() for p in pages):
        sys.exit("a page that reads was cut off with those that do not")
    for connection in deaf:
        connection.close()
    grown = (monitor.status("VmHWM") - resident) / 1024
    # A connection may hold its buffers, a body that is half sent (limit 4 MB, here 1 MB) and a quarter MB that waits.
    most = 100 + 0.3 * PAGES + 1.2 * SLOW
    if grown > most:
        sys.exit(f"{grown:.0f} MB more than before; at most {most:.0f} are right")
    for task in pages:
        task.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    print(f"{PAGES} pages, {SLOW} slow connections, {sum(told)} updates stored, {newcomers} new pages answered, "
          f"{threads} threads, {grown:.0f} MB more at most")


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 3 * (PAGES + SLOW) + 100:
        sys.exit(f"only {hard} descriptors are allowed: too few for {PAGES} pages")
    with tempfile.TemporaryDirectory() as work:
        asyncio.run(main(work))
