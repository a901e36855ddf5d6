"""Commands that are imported once they are asked for: each loads only what it needs itself."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import cleandoc
from typing import Any, NamedTuple, Self

import typer
from typer.core import TyperCommand, TyperGroup


class Later(NamedTuple):
    """A command, or a group of them, as `module:name`; and its line in the list of commands."""

    at: str
    line: str


class Unloaded(TyperCommand):
    """Stands in a group for what is not imported yet: it can be listed, and nothing else."""

    def __init__(self, name: str, later: Later) -> None:
        super().__init__(name, help=later.line)
        self._name, self._later = name, later

    def load(self) -> Any:
        module, _, name = self._later.at.partition(":")
        found = getattr(import_module(f"holdfast_cli.{module}"), name)
        alone = typer.Typer()
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=self._name)
        else:
            alone.command(self._name)(found)
        return _flowing(typer.main.get_group(alone).commands[self._name])


def _flowing(command: Any) -> Any:
    """The command, whose help has a line for each paragraph: a docstring ends its lines where the code does."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    for each in getattr(command, "commands", {}).values():
        _flowing(each)
    return command


class LazyGroup(TyperGroup):
    """Its `commands` are unloaded; only running one loads it."""

    def load(self, name: str) -> Any:
        command = self.commands.get(name)
        if isinstance(command, Unloaded):
            command = self.commands[name] = command.load()
        return command

    def loaded(self) -> Self:
        """With all commands, those of its groups too."""
        for name in self.commands:
            command = self.load(name)
            if isinstance(command, LazyGroup):
                command.loaded()
        return self

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.load(args[0])
        return super().resolve_command(ctx, args)


def lazy(commands: Mapping[str, Later]) -> type[LazyGroup]:
    """A group of these commands, in their order."""

    class Group(LazyGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands.update({name: Unloaded(name, later) for name, later in commands.items()})

    return Group


def whole(app: typer.Typer) -> Any:
    """All that can be asked for, for whoever reads the tree of commands."""
    group: Any = typer.main.get_command(app)
    return group.loaded()
