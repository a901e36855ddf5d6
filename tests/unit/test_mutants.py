"""Every mutation of tests/mutants.py applies to the code as it is today."""

from __future__ import annotations

import pytest

from tests import mutants


@pytest.mark.parametrize("mutation", mutants.MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_changes_one_place_and_names_tests_that_there_are(mutation: mutants.Mutation) -> None:
    text = (mutants.ROOT / "lambdas/holdfast/core" / mutation.file).read_text("utf-8")
    assert text.count(mutation.old) == 1
    assert mutation.new != mutation.old
    assert mutation.tests
    assert [each for each in mutation.tests if not (mutants.ROOT / "tests/unit" / each).is_file()] == []
