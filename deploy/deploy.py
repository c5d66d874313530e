"""Deploy the project to Scrapyd nodes, and tell the truth about it: `make deploy`, or run this file (--help)."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this file is where Python looks first, and would hide the package `deploy` behind this file.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from deploy.deployment.command import main

    sys.exit(main())
