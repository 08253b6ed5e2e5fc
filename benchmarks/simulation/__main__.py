"""``python -m benchmarks.simulation``: the table (command.py)."""

from benchmarks.simulation.command import simulate_command

if __name__ == "__main__":
    simulate_command(prog_name="python -m benchmarks.simulation")
