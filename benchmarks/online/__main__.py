"""``python -m benchmarks.online FILE``: the study (command.py)."""

from benchmarks.online.command import online

if __name__ == "__main__":
    online(prog_name="python -m benchmarks.online")
