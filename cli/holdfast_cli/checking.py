"""`holdfast campaign validate` and `holdfast campaign test`: campaign files, offline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.hints import Known, hints
from holdfast.core.authoring.text import CampaignFileError
from holdfast_cli import local
from holdfast_cli.campaign_file import distinct, read_model
from holdfast_cli.fixtures import Result, campaign_of, fixture_of, is_fixture, run, run_file
from holdfast_cli.mistakes import mistakes_end, show_mistake, show_mistakes
from holdfast_cli.output import Failure, Json, out, print_json

Files = Annotated[list[Path], typer.Argument(help="Campaign files, YAML or JSON.", show_default=False)]
StageAtHand = Annotated[
    str | None,
    typer.Option(
        "--stage",
        "-s",
        envvar="HOLDFAST_STAGE",
        help="Compare names and types with the events of this stage. Default: the local one, if it is up.",
    ),
]


def validate(
    files: Files,
    *,
    stage: StageAtHand = None,
    strict: Annotated[bool, typer.Option(help="Exit with code 1 for hints, too.")] = False,
    json: Json = False,
) -> None:
    """Check campaign files and run the tests beside them, without publishing. Exit code 1 if something is wrong.

    Names and types that differ from the events seen so far are reported as hints, not as mistakes.

    Example: `holdfast campaign validate cart.yaml --stage dev`
    """
    known = _known(stage)
    wrong = False
    ids: list[tuple[Path, str]] = []
    for path in campaign_files(files):
        try:
            campaign, source = read_model(path, Campaign)
            fixture = fixture_of(path)
            results = list(run(fixture, campaign)) if fixture else []
        except CampaignFileError as error:
            wrong = True
            show_mistakes(error, as_json=json)
            continue
        ids.append((path, campaign.id))
        found = [source.mistake(*hint) for hint in hints(campaign, known, source)]
        failed = sum(not result.passed for result in results)
        wrong = wrong or failed > 0 or (strict and bool(found))
        if json:
            row = {"file": str(path), "campaign": campaign.id, "valid": True, "tests": len(results), "failed": failed}
            print_json({**row, "hints": [hint._asdict() for hint in found]})
        else:
            tests = f", {len(results) - failed} of {len(results)} tests passed" if results else ""
            out.print(f"[{'red]✗' if failed else 'green]✓'}[/] {escape(str(path))}: {campaign.id}{tests}")
        for hint in found if not json else []:
            show_mistake(hint, "[yellow]![/]")
        _show_results((result for result in results if json or not result.passed), as_json=json)
    distinct(ids)
    if wrong:
        raise typer.Exit(1)


def run_tests(
    files: Annotated[list[Path], typer.Argument(help="Campaign files or their test files.", show_default=False)],
    *,
    json: Json = False,
) -> None:
    """Run the tests beside campaigns: cart.test.yaml beside cart.yaml. Exit code 1 if one fails.

    Example: `holdfast campaign test cart.yaml`
    """
    results: list[Result] = []
    for path in campaign_files(files):
        with mistakes_end(as_json=json):
            of_file = run_file(path)
        if not of_file:
            raise Failure(f"{path} has no tests. They would stand in {path.with_suffix('.test.yaml')}")
        results += of_file
    _show_results(results, as_json=json)
    failed = sum(not result.passed for result in results)
    if not json:
        out.print(f"{len(results) - failed} of {len(results)} tests passed")
    if failed:
        raise typer.Exit(1)


def campaign_files(files: Iterable[Path]) -> list[Path]:
    """The files, with campaigns in the place of their test files: `campaigns/*.yaml` names both."""
    return list(dict.fromkeys((campaign_of(path) or path) if is_fixture(path) else path for path in files))


def _known(stage: str | None) -> Known:
    """Names that a stage knows, where one is at hand."""
    if stage is None and local.status() is None:
        return Known()
    from holdfast_cli.known import known_to  # noqa: PLC0415 (boto3 takes 0.2 s to load: who is offline does not wait)

    return known_to(stage or "local")


def _show_results(results: Iterable[Result], *, as_json: bool) -> None:
    for result in results:
        file, line, case, differences = result
        if as_json:
            told: Sequence[Any] = [each._asdict() for each in differences]
            print_json({"file": str(file), "line": line, "case": case, "passed": result.passed, "differences": told})
            continue
        mark = "[green]✓[/]" if result.passed else "[red]✗[/]"
        out.print(f"{mark} [bold]{escape(str(file))}:{line}[/] {escape(case)}")
        for each in (text for difference in differences for text in difference.lines()):
            colour = {"-": "red", "+": "green"}.get(each[0], "default")
            out.print(f"    [{colour}]{escape(each)}[/]")
