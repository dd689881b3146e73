#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small Hugging Face hub on this machine, with faults, for tests.

    hub_server.py ROOT LOG

Serves ROOT/OWNER/NAME/... as repositories at one commit, large files (names ending in .safetensors)
by a redirect to another host name, as the real hub does. Prints its port. Each request becomes a line
of LOG: host, path, range, whether a token came along. ROOT/faults.json, read at every request, may say

    token: the token without which there is status 401     gated: 403 instead, for everyone
    cut: [N, ...] bytes after which one answer for a large file each is cut off
    refuse: [status, ...] for as many requests, whatever they ask
    flip: number of large answers whose first byte is wrong     ranges: false to ignore ranges
    page: files in a page of the list                          tree: the list's text, as it is
"""

import hashlib
import http.server
import json
import pathlib
import re
import socket
import sys
import urllib.parse

ROOT = pathlib.Path(sys.argv[1])
LOG = open(sys.argv[2], "a", buffering=1)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FAULTS = ROOT / "faults.json"


def is_large(path):
    return path.name.endswith(".safetensors")


def entry_of(path, name):
    data = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    entry = {"type": "file", "oid": blob, "size": len(data), "path": name}
    if is_large(path):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def take_fault(self, name):
        """The next one-off fault of that name, or None."""
        faults = json.loads(FAULTS.read_text()) if FAULTS.exists() else {}
        waiting = faults.get(name) or []
        if not waiting:
            return None
        value = waiting.pop(0)
        FAULTS.write_text(json.dumps(faults))
        return value

    def do_GET(self):
        faults = json.loads(FAULTS.read_text()) if FAULTS.exists() else {}
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        token = self.headers.get("Authorization")
        LOG.write(json.dumps({"host": self.headers["Host"].split(":")[0], "path": path,
                              "range": self.headers.get("Range"), "token": token}) + "\n")
        status = self.take_fault("refuse")
        if status:
            return self.answer(status, b"later")
        if not path.startswith("/bulk/"):
            if faults.get("gated"):
                return self.answer(403, b"{}", [("X-Error-Code", "GatedRepo")])
            if faults.get("token") and token != "Bearer " + faults["token"]:
                return self.answer(401, b"{}", [("X-Error-Code", "RepoNotFound")])
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/(.+)", path)
        if api:
            return self.about(api, url, faults)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)", path)
        if file and (ROOT / file[1] / file[3]).is_file():
            target = ROOT / file[1] / file[3]
            if is_large(target):
                port = self.server.server_address[1]
                where = f"http://localhost:{port}/bulk/{urllib.parse.quote(file[1] + '/' + file[3])}"
                return self.answer(302, b"elsewhere", [("Location", where)])
            return self.answer(200, target.read_bytes())
        if path.startswith("/bulk/") and (ROOT / path[6:]).is_file():
            return self.bulk((ROOT / path[6:]).read_bytes(), faults)
        self.answer(404, b"{}", [("X-Error-Code", "EntryNotFound")])

    def about(self, api, url, faults):
        folder = ROOT / api[1]
        if not folder.is_dir() or api[3] not in ("main", COMMIT):
            return self.answer(404, b"{}", [("X-Error-Code", "RepoNotFound")])
        if api[2] == "revision":
            return self.answer(200, json.dumps({"id": api[1], "sha": COMMIT}).encode())
        if "tree" in faults:
            return self.answer(200, faults["tree"].encode())
        names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        begin = int(urllib.parse.parse_qs(url.query).get("cursor", ["0"])[0])
        size = faults.get("page", len(names))
        entries = [entry_of(folder / name, name) for name in names[begin:begin + size]]
        entries.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": "folder"})
        headers = []
        if begin + size < len(names):
            where = f"http://{self.headers['Host']}{url.path}?recursive=true&cursor={begin + size}"
            headers.append(("Link", f'<{where}>; rel="next"'))
        self.answer(200, json.dumps(entries).encode(), headers)

    def bulk(self, data, faults):
        begin = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and faults.get("ranges", True):
            begin = int(asked[1])
            if begin >= len(data):
                return self.answer(416, b"", [("Content-Range", f"bytes */{len(data)}")])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        body = data[begin:]
        if self.take_fault("flip") is not None:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.take_fault("cut")
        if cut is None:
            self.wfile.write(body)
            return
        self.wfile.write(body[:cut])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_WR)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    address_family = socket.AF_INET

    def handle_error(self, request, client_address):
        pass  # Clients that stop in the middle are what some tests are about.


server = Server(("127.0.0.1", 0), Hub)
print(server.server_address[1], flush=True)
server.serve_forever()
