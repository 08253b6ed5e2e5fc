"""The packages that come with an extra, and the sentence where one is missing."""

from __future__ import annotations

from typing import Any, Final

import click

EXTRAS: Final = {
    "evidence": ("pandas", "pyarrow"),
    "gateway": ("httptools", "starlette", "uvicorn", "uvloop"),
    "app": ("altair", "streamlit"),
}
"""What each extra brings, as pyproject.toml says; ``app`` brings the others, too."""


class WithExtras(click.Group):
    """Commands that name the extra to install where a package is missing."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; one sentence and exit code 1 where it needs an extra that is not installed."""
        try:
            return super().invoke(context)
        except ModuleNotFoundError as error:
            command = context.invoked_subcommand
            missing = (error.name or "").partition(".")[0]
            extra = next((extra for extra, names in EXTRAS.items() if missing in names), None)
            if extra is None:
                raise
            extra = "app" if command == "app" else extra
            click.echo(
                f"router-core: {command} needs {missing}, which is not installed: "
                f"pip install 'router-playground[{extra}]'",
                err=True,
            )
            found = None if command is None else self.get_command(context, command)
            context.exit(getattr(found, "failed_code", 1))
