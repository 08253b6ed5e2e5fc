"""``python -m router_core.simulation``: the table (command.py)."""

from router_core.simulation.command import simulate_command

if __name__ == "__main__":
    simulate_command(prog_name="python -m router_core.simulation")
