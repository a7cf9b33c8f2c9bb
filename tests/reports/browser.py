"""A real browser, spoken to over two pipes: loads a page, says what it logged, asked for and measured, and takes its picture."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 60.0


@dataclass
class Browser:
    """One tab. `complaints` are console errors, warnings and exceptions; `requests` are the addresses that were asked for."""

    commands: int
    answers: int
    session: str = ""
    buffer: bytes = b""
    number: int = 0
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(
        self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False, media: str = "screen"
    ) -> None:
        """Load a file as a screen of this width would, in the light or the dark scheme."""
        self.complaints.clear()
        self.requests.clear()
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=scheme)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("Page.loadEventFired")

    def ask(self, script: str) -> Any:
        """Return the value of a script in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save what the page looks like."""
        path.write_bytes(
            base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])
        )

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params} | (
            {"sessionId": self.session} if self.session else {}
        )
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        answer = self._read(lambda heard: heard.get("id") == self.number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return dict(answer["result"])

    def wait(self, event: str) -> None:
        self._read(lambda heard: heard.get("method") == event)

    def _read(self, is_it: Any) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            while b"\0" in self.buffer:
                raw, _, self.buffer = self.buffer.partition(b"\0")
                heard = json.loads(raw)
                self._note(heard)
                if is_it(heard):
                    return dict(heard)
            if select.select([self.answers], [], [], 1.0)[0]:
                self.buffer += os.read(self.answers, 1 << 20)
        raise TimeoutError(f"the browser said nothing for {PATIENCE:.0f} s")

    def _note(self, heard: dict[str, Any]) -> None:
        method, params = heard.get("method"), heard.get("params", {})
        if method == "Network.requestWillBeSent" and not params["request"]["url"].startswith("data:"):
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])


@contextmanager
def browser(program: Path) -> Iterator[Browser]:
    """Start a browser with an empty profile; it ends with the block."""
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()
    with tempfile.TemporaryDirectory(prefix="assay-browser-", ignore_cleanup_errors=True) as folder:
        line = f'exec "$@" 3<&{read_commands} 4>&{write_answers}'
        running = subprocess.Popen(
            ["bash", "-c", line, "bash", str(program), *SWITCHES, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(read_commands, write_answers), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read_commands)
        os.close(write_answers)
        try:
            tab = Browser(write_commands, read_answers)
            target = tab.call("Target.createTarget", url="about:blank")["targetId"]
            tab.session = tab.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                tab.call(f"{domain}.enable")
            yield tab
        finally:
            running.terminate()
            running.wait(timeout=PATIENCE)
            os.close(write_commands)
            os.close(read_answers)
