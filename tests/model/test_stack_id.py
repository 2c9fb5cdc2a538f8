"""A stack's name: taken apart, put together, put in order."""

from matrix.model.stack_id import StackId, stack_order


def test_stacks_come_in_the_order_in_which_one_reads_them() -> None:
    ordered = [
        "sqlite3@3.8",
        "sqlite3[uri=off]@3.8",
        "sqlite3[uri=on]@3.8",
        "sqlite3@3.11",
        "sqlite3[sqlite=3.40.1]@3.11",
        "sqlite3[sqlalchemy=1.4.54]@3.11",
        "sqlite3[sqlalchemy=2.1.9]@3.11",
        "pysqlite3==0.5.4.post2@3.11",
        "pysqlite3==0.10.0@3.11",
        "apsw==3.9.0.0@3.11",
        "apsw==3.54.1.0@3.11",
        "sqlean@3.11",
        "zetetic@3.11",
    ]
    shuffled = ordered[::2] + ordered[1::2]
    assert sorted(shuffled, key=stack_order) == ordered


def test_a_stack_id_comes_apart() -> None:
    stack = StackId.parse("apsw==3.54.1.0[uri=off,sqlalchemy=2.1.9]@3.11")
    assert stack is not None
    assert (stack.driver, stack.version, stack.python) == ("apsw", "3.54.1.0", "3.11")
    assert stack.options == {"uri": "off", "sqlalchemy": "2.1.9"}
    assert stack.middleware == "sqlalchemy"


def test_a_stack_id_is_put_together_as_it_came() -> None:
    name = "apsw==3.54.1.0[uri=off,sqlalchemy=2.1.9]@3.11"
    assert str(StackId.parse(name)) == name


def test_a_text_of_another_form_is_no_stack_id() -> None:
    assert StackId.parse("apsw[") is None
