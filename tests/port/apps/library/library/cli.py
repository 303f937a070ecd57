"""Commands."""

import click

from .store import store


def init_app(app):
    @app.cli.command("seed")
    @click.argument("count", type=int)
    def seed(count):
        """Add some books."""
        for number in range(count):
            store().add_book(f"Book {number}", "seed")
        click.echo(f"{len(store().books)} books")
