"""Ask the Scrapyd of this container how it is; exit code 1 when it does not answer. For health checks."""

import base64
import os
import sys
import urllib.request

url = f"http://127.0.0.1:{os.environ.get('SCRAPYD_HTTP_PORT', '6800')}/daemonstatus.json"
login = f"{os.environ.get('SCRAPYD_USERNAME', '')}:{os.environ.get('SCRAPYD_PASSWORD', '')}"
headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
try:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=8) as answer:
        print(answer.read().decode().strip())
except OSError as error:
    sys.exit(f"{url}: {error}")
