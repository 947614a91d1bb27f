"""Custom runtimes (``provided.*``) in the ``process`` driver, over the HTTP Runtime API."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.adapters.sandbox.sandbox_kit import start

from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.base.clock import SystemClock
from lambent.domain.environments import Ending, Sandbox
from lambent.domain.errors import AwsError

SHELL = """#!/bin/sh
set -eu
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
echo "booting $_HANDLER"
while true; do
  HEADERS="$(mktemp)"
  EVENT=$(curl -sS -LD "$HEADERS" "$API/invocation/next")
  ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  echo "event $EVENT" >&2
  case "$EVENT" in
    '"error"') curl -sS -o /dev/null "$API/invocation/$ID/error" -d '{"errorMessage":"m","errorType":"Mine"}' ;;
    '"exit"') exit 9 ;;
    *) curl -sS -o /dev/null "$API/invocation/$ID/response" -d "{\\"echo\\":$EVENT}" ;;
  esac
done
"""

COMPILED = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int dial(void) {
  char api[64]; int port; strcpy(api, getenv("AWS_LAMBDA_RUNTIME_API"));
  port = atoi(strchr(api, ':') + 1); *strchr(api, ':') = 0;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)}; inet_pton(AF_INET, api, &to.sin_addr);
  int s = socket(AF_INET, SOCK_STREAM, 0); if (connect(s, (void *)&to, sizeof to)) exit(2); return s;
}
int main(void) {
  static char in[65536], out[65536]; char id[128];
  for (;;) {
    int s = dial(), n = 0, got;
    dprintf(s, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    char *body = 0; long length = 0;
    while ((got = read(s, in + n, sizeof in - 1 - n)) > 0) {
      n += got; in[n] = 0;
      if ((body = strstr(in, "\r\n\r\n"))) { body += 4;
        length = atol(strstr(in, "Content-Length: ") + 16); if (in + n - body >= length) break; }
    }
    close(s); if (!body) return 3;
    sscanf(strstr(in, "Lambda-Runtime-Aws-Request-Id: "), "Lambda-Runtime-Aws-Request-Id: %127s", id);
    int size = snprintf(out, sizeof out, "{\"compiled\":%.*s}", (int)length, body);
    s = dial();
    dprintf(s, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", id, size, out);
    read(s, in, sizeof in); close(s);
  }
}
"""


@pytest.mark.skipif(not shutil.which("curl"), reason="the bootstrap needs curl")
async def test_shell_bootstrap(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"bootstrap": SHELL}, runtime="provided.al2023", handler="some.thing")
    assert started.init.ending is Ending.SUCCESS, started.output.text
    assert await started.result({"a": 1}) == {"echo": {"a": 1}}
    failed = await started.invoke("error")
    assert (failed.ending, failed.error_type) == (Ending.ERROR, "Mine")
    assert await started.result(2) == {"echo": 2}
    gone = await started.invoke("exit")
    assert (gone.ending, gone.exit_status) == (Ending.EXIT, 9)
    assert started.output.text.splitlines() == ["booting some.thing", 'event {"a": 1}', 'event "error"', "event 2", 'event "exit"']


@pytest.mark.skipif(not shutil.which("gcc"), reason="no compiler")
async def test_compiled_bootstrap(sandbox: Sandbox, tmp_path: Path) -> None:
    source, program = tmp_path / "main.c", tmp_path / "program"
    source.write_text(COMPILED)
    subprocess.run(["gcc", "-O0", "-w", "-o", program, source], check=True)
    layer = tmp_path / "layer"
    layer.mkdir()
    shutil.copy(program, layer / "bootstrap")
    started = await start(sandbox, tmp_path, {"readme": "the bootstrap is in the layer"}, runtime="provided.al2", layers=(layer,))
    assert started.init.ending is Ending.SUCCESS, started.output.text
    for number in range(20):
        assert await started.result(number) == {"compiled": number}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"other": ""}, "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ({"bootstrap": "#!/nowhere/sh\n"}, "no such file or directory"),
        ({"bootstrap": "not a program"}, "exec format error"),
    ],
)
async def test_bootstrap_that_cannot_be_executed(sandbox: Sandbox, tmp_path: Path, files: dict[str, str], message: str) -> None:
    started = await start(sandbox, tmp_path, files, runtime="provided.al2023")
    assert (started.init.ending, started.init.error_type) == (Ending.EXIT, "Runtime.InvalidEntrypoint")
    assert json.loads(started.init.payload)["errorMessage"].endswith(message)  # type: ignore[arg-type]


async def test_without_a_runtime_api_it_is_refused(tmp_path: Path) -> None:
    driver = ProcessSandbox(tmp_path / "sandbox", SystemClock())
    with pytest.raises(AwsError, match="provided"):
        await start(driver, tmp_path, {"bootstrap": SHELL}, runtime="provided.al2023")
    await driver.close()
