#!/usr/bin/env python3
"""A web server with faults on order, for what wrappers and bootstraps fetch.

usage: fake_files.py DIRECTORY LOG   prints its port, then serves until its standard input ends.

/ok/NAME: the file DIRECTORY/NAME. /html/...: an error page with status 200. /truncated/NAME: half of the file, with
the length of all of it. /short/NAME: half of the file as if that were all. /404/...: status 404. Also a proxy:
"GET http://..." is answered as if it were for this server. LOG gets a line a request: the path as it was asked for.
"""
import http.server
import pathlib
import sys
import threading

directory = pathlib.Path(sys.argv[1])
log = open(sys.argv[2], "a", buffering=1)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def send(self, status, body, length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        log.write(self.path + "\n")
        path = self.path.split("://", 1)[-1]
        path = path[path.index("/"):]
        kind, _, name = path[1:].partition("/")
        if kind == "html":
            return self.send(200, b"<!DOCTYPE html>\n<html><body>Access denied</body></html>\n")
        file = directory / name
        if kind not in ("ok", "truncated", "short") or not file.is_file():
            return self.send(404, b"not here\n")
        body = file.read_bytes()
        if kind == "ok":
            return self.send(200, body)
        self.send(200, body[: len(body) // 2], None if kind == "short" else len(body))
        self.close_connection = True


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
