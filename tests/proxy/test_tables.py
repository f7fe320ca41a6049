"""Tables for a terminal."""

from proxy.tables import table


def test_columns_are_as_wide_as_their_widest_cell_and_colours_have_no_width() -> None:
    rows = [["a", 1, "\x1b[32mgood\x1b[0m"], ["long name", 1000, ""]]
    assert table(["name", "turns", "how"], rows, [False, True, False]).splitlines() == [
        "name         turns  how",
        "---------  -------  -----",
        "a                1  \x1b[32mgood\x1b[0m",
        "long name     1000",
    ]


def test_a_table_without_rows_has_a_head() -> None:
    assert table(["a", "b"], []) == "a    b\n---  ---"
