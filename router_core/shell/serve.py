"""The gateway from the shell: ``router-core serve``. The extra ``gateway`` brings its server."""

from __future__ import annotations

import os

import click

from router_core.shell.store import in_store, named_store, opened_store


@click.command(short_help="Serve decisions and outcomes over HTTP (needs the extra gateway).")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8600, show_default=True)
@in_store
@click.pass_context
def serve(context: click.Context, host: str, port: int) -> None:
    """Answer programs in any language at http://HOST:PORT/v1; Ctrl+C or SIGTERM lets what runs finish and stops.

    It answers this machine alone unless ROUTER_ALLOWED_HOSTS names the hosts under which others may call it, and
    there is a key for callers (router-core keys). The panel serves the same addresses on its own port, so run this
    where no panel is wanted.

    \b
    router-core serve
    router-core serve --port 9000 --store data/other.duckdb
    """
    from router_core.serving.access import why_not_listen
    from router_core.serving.gateway.application import Gateway
    from router_core.serving.gateway.in_force import InForce
    from router_core.serving.gateway.routers import Traffic
    from router_core.serving.gateway.server import run
    from router_core.settings.environment import allowed_hosts
    from router_core.settings.hosts import is_loopback_address

    hosts = allowed_hosts(os.environ)
    why = why_not_listen(host, hosts)
    if why is not None:
        raise click.ClickException(why)
    _, kind = named_store(context)
    with opened_store(context) as store:
        here = is_loopback_address(host) or host == "localhost"
        if not here and not store.caller_keys():
            raise click.ClickException(
                f"The gateway would listen at {host}, where other machines reach it, and has no keys for callers;"
                " make one first with: router-core keys add NAME. Without keys it listens at 127.0.0.1 alone"
            )
        settings = InForce(store)
        gateway = Gateway(settings, lambda goal: Traffic(settings(), store, kind == "simulated"))
        click.echo(f"Serving {store.location} at http://{host}:{port}/v1; Ctrl+C stops it.", err=True)
        run(gateway.alone(hosts), host=host, port=port)
