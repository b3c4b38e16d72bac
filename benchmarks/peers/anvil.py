"""anvil (npm `@foundry-rs/anvil`): a node of its own, which only RPC reaches."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from multiprocessing.util import Finalize
from typing import Any

from slashpoint.experiments.bench.benchmark import Absent

INSTALL = "npm install --global @foundry-rs/anvil"


class Anvil:
    """A node that mines when told to, and signs for everybody."""

    def __init__(self, gas_limit: int) -> None:
        program = shutil.which("anvil")
        if program is None:
            raise Absent(f"not installed: {INSTALL}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = f"--port {port} --no-mining --auto-impersonate --silent --order fees --gas-limit {gas_limit}".split()
        quiet = subprocess.DEVNULL
        node = subprocess.Popen(  # noqa: S603 - from the user's PATH
            [program, *options], start_new_session=True, stdin=quiet, stdout=quiet, stderr=quiet
        )
        Finalize(self, os.killpg, (node.pid, signal.SIGKILL), exitpriority=1)  # npm's is a script that starts the node
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(100):
            try:
                self._connection.connect()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)

    def ask(self, *calls: tuple[str, list[Any]]) -> list[Any]:
        """Return the answers to a batch of calls."""
        asked = [{"jsonrpc": "2.0", "id": i, "method": name, "params": given} for i, (name, given) in enumerate(calls)]
        self._connection.request("POST", "/", json.dumps(asked), {"Content-Type": "application/json"})
        answers = json.loads(self._connection.getresponse().read())
        for answer in answers:
            if "error" in answer:
                raise RuntimeError(answer["error"])
        return [answer["result"] for answer in sorted(answers, key=lambda one: one["id"])]
