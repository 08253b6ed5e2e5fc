"""``python -m router_core``: the shell command (cli.py)."""

from router_core.shell.main import main

if __name__ == "__main__":
    main(prog_name="router-core")
