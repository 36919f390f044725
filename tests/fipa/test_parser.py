"""The grammar and its rules of context, where the thirty examples do not tell."""

import pytest

from caxton.domain.diagnosis import RECEIVERS_MAX
from caxton.domain.performative import PERFORMATIVES
from caxton.domain.problem import ProblemKind
from caxton.fipa.acl_message import AgentIdentifier, Expression
from caxton.fipa.lexer import TOKENS_MAX
from caxton.fipa.parser import DEPTH_MAX, parse_message
from tests.fipa.reading import import_refused, parsed, refused

AS_JADE_WRITES = """(INFORM
 :sender  ( agent-identifier :name echo@plat  :addresses (sequence http://127.0.0.1:7799/acc ))
 :receiver  (set ( agent-identifier :name py@caxton  :addresses (sequence http://127.0.0.1:7800/acc )) )
 :content  "(done \\"ok\\")"
 :reply-with  py@caxton1795425667847  :in-reply-to  12f  :protocol  fipa-request
 :conversation-id  conv-1 :X-JADE-Note 7d )
"""


def test_a_message_as_jade_writes_it_is_read() -> None:
    message = parsed(AS_JADE_WRITES.replace("\n", "\r\n"))
    assert message.sender == AgentIdentifier(name="echo@plat", addresses=("http://127.0.0.1:7799/acc",))
    assert message.content == '(done "ok")'
    assert message.in_reply_to == "12f"
    assert message.reply_with == "py@caxton1795425667847"
    assert message.extensions == (("X-JADE-Note", "7d"),)


@pytest.mark.parametrize("act", PERFORMATIVES)
def test_each_act_is_read_in_any_letter_case(act: str) -> None:
    assert parsed(f"({act.upper()})").performative == act
    assert parsed(f" ( {act.title()} ) ").performative == act


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("word", "word"),
        ('"two words"', "two words"),
        ("3", "3"),
        ("-1.5e3", "-1.5e3"),
        ("12f", "12f"),
        (".5D", ".5D"),
        ("+word", "+word"),
        ("20261123T091500000Z", "20261123T091500000Z"),
        ("()", ()),
        ('(a(b c)"d"#1"))', ("a", ("b", "c"), "d", ")")),
        ('a#"b', 'a#"b'),
        ('#0"', ""),
        ('#2"\u00e9', "\u00e9"),
        ("\u00e9t\u00e9", "\u00e9t\u00e9"),
    ],
)
def test_an_expression_is_a_text_or_a_list(written: str, value: Expression) -> None:
    assert parsed(f"(inform :ontology {written} :language x)").ontology == value
    assert parsed(f"(inform :X-mine {written})").extensions == (("X-mine", value),)


@pytest.mark.parametrize("token", ["4bf9", "12g", "-word", "@host", "1-2", "2026-11-23", "0x", "1e", "--1"])
def test_a_bare_text_that_is_neither_word_number_nor_time_is_to_be_quoted(token: str) -> None:
    error = refused(f"(inform :reply-with {token})")
    assert error.offset_bytes == 20
    assert error.hint == "put it in quotes"
    assert parsed(f'(inform :reply-with "{token}")').reply_with == token


@pytest.mark.parametrize(
    ("written", "content"),
    [
        ('"a\\\\b"', "a\\\\b"),
        ('"a\\"b"', 'a"b'),
        ('"a\\\\"b"', 'a\\"b'),
        ('"a\\nb"', "a\\nb"),
        ('#5"a)\\"b', 'a)\\"b'),
    ],
)
def test_only_a_quote_is_escaped(written: str, content: str) -> None:
    message = parsed(f'(inform :content {written} :language "x")')
    assert (message.content, message.language) == (content, "x")


def test_a_last_string_may_end_in_a_backslash_and_no_other_one() -> None:
    assert parsed('(inform :X-a (("b\\" ) ) )').extensions == (("X-a", (("b\\",),)),)
    assert refused('(inform :content "a\\" :language b)').offset_bytes == 17
    # The string goes on to the second quote, and nothing that follows fits.
    assert refused('(inform :content "a\\" :language "b")').offset_bytes == 33


def test_strings_count_bytes_and_not_characters() -> None:
    assert parsed('(inform :content #4"\u00e9\u00e9 :language x)').content == "\u00e9\u00e9"
    assert "ends inside of a character" in refused('(inform :content #3"\u00e9\u00e9)').message
    assert "should have 9999999999 bytes" in refused('(inform :content #9999999999"x)').message
    for broken in ('#"x"', '#x"', "#5", '#-1"x', '#99999999999"x'):
        assert "begins a length" in refused(f"(inform :content {broken})").message


@pytest.mark.parametrize(
    ("text", "offset_bytes", "kind"),
    [
        ("", 0, ProblemKind.SYNTAX),
        ("(", 1, ProblemKind.SYNTAX),
        ("(inform) (inform)", 9, ProblemKind.SYNTAX),
        ("(inform))", 8, ProblemKind.SYNTAX),
        ("((inform))", 1, ProblemKind.SYNTAX),
        ('("inform")', 1, ProblemKind.SYNTAX),
        ("(infrom)", 1, ProblemKind.INVALID_VALUE),
        ("(inform :language)", 17, ProblemKind.SYNTAX),
        ("(inform :language :ontology x)", 18, ProblemKind.MISSING),
        ("(inform :X- x)", 8, ProblemKind.UNKNOWN_FIELD),
        ("(inform :lang x)", 8, ProblemKind.UNKNOWN_FIELD),
        ("(inform :X-a 1 :x-A 2)", 15, ProblemKind.CONTRADICTION),
        ("(inform :sender (agent-identifier :name a :name b))", 42, ProblemKind.CONTRADICTION),
        ("(inform :sender (agent-identifier :name))", 39, ProblemKind.SYNTAX),
        ('(inform :sender (agent-identifier :name ""))', 40, ProblemKind.SYNTAX),
        ("(inform :sender (agent-identifier :nome a))", 34, ProblemKind.UNKNOWN_FIELD),
        ("(inform :sender (agent-identifier :name a", 41, ProblemKind.SYNTAX),
        ("(inform :receiver (set x))", 23, ProblemKind.SYNTAX),
        ("(inform :sender (agent-identifier :name a :addresses (sequence 1x)))", 63, ProblemKind.SYNTAX),
        ('(inform :reply-by "20261123T091500000Z")', 18, ProblemKind.SYNTAX),
        ("(inform :reply-by 20261323T091500000Z)", 18, ProblemKind.INVALID_VALUE),
        ("(inform :protocol :x)", 18, ProblemKind.SYNTAX),
        ("(inform \x00)", 8, ProblemKind.SYNTAX),
        ("(inform \x0b)", 8, ProblemKind.SYNTAX),
        ("\ufeff(inform)", 0, ProblemKind.SYNTAX),
        (b'(inform :content "\xff")', 18, ProblemKind.ENCODING),
        # No letter beyond ASCII is another case of one within it.
        ("(inform :reply-b\u0423 x)", 8, ProblemKind.UNKNOWN_FIELD),
        ("(inform :protocol x :ProTocol y)", 20, ProblemKind.CONTRADICTION),
    ],
)
def test_a_fault_is_told_with_its_place_and_kind(
    text: str | bytes, offset_bytes: int, kind: ProblemKind
) -> None:
    error = refused(text)
    assert error.offset_bytes == offset_bytes
    assert error.problems[0].kind is kind
    assert error.hint


def test_line_and_column_count_from_one_and_in_characters() -> None:
    error = refused('(inform\n  :content "\u00e9\u00e9" x)')
    assert (error.line, error.column, error.offset_bytes) == (2, 17, 26)
    assert error.problems[0].where == "line 2, column 17"


def test_the_parameter_at_fault_is_named() -> None:
    assert refused("(inform :X-Trace 1x)").problems[0].field == ":X-Trace"
    assert refused("(inform :reply-by x)").problems[0].field == ":reply-by"
    assert refused("(inform :what x)").problems[0].field == ""


def test_a_long_text_does_not_come_back_whole() -> None:
    for text in (f"({'x' * 10_000})", f"(inform :{'x' * 10_000} 1)", f"(inform :X-{'x' * 10_000} 1x)"):
        assert len(str(refused(text).document())) < 1500
        assert len(str(import_refused(text).document())) < 1500


def test_lists_nest_to_the_bound_and_not_beyond() -> None:
    def nested(depth: int) -> str:
        return f"(inform :ontology {'(' * depth}{')' * depth})"

    assert parsed(nested(DEPTH_MAX)).ontology != ()
    assert refused(nested(DEPTH_MAX + 2)).problems[0].kind is ProblemKind.TOO_DEEP
    assert refused("(inform :ontology " + "(" * 1_000_000).problems[0].kind is ProblemKind.TOO_DEEP


def test_resolvers_nest_to_the_bound_and_not_beyond() -> None:
    opened = "(agent-identifier :name a :resolvers (sequence "

    def nested(depth: int) -> str:
        return f"(inform :sender {opened * depth}(agent-identifier :name b){'))' * depth})"

    assert parsed(nested(DEPTH_MAX)).sender is not None
    assert refused(nested(DEPTH_MAX + 1)).problems[0].kind is ProblemKind.TOO_DEEP
    assert refused(f"(inform :sender {opened * 20_000}").problems[0].kind is ProblemKind.TOO_DEEP


def test_receivers_are_bounded() -> None:
    one = "(agent-identifier :name a@p :addresses (sequence http://host:7778/acc))"
    assert len(parsed(f"(inform :receiver (set {one * RECEIVERS_MAX}))").receiver or ()) == RECEIVERS_MAX
    error = refused(f"(inform :receiver (set {one * (RECEIVERS_MAX + 1)}))")
    assert error.problems[0].kind is ProblemKind.OUT_OF_BOUNDS


def test_words_are_bounded() -> None:
    error = refused(f"(inform :ontology ({'a ' * TOKENS_MAX}))")
    assert error.problems[0].kind is ProblemKind.TOO_LARGE


def test_the_size_is_bounded() -> None:
    text = b'(inform :content "xx")'
    assert parse_message(text, message_bytes_max=len(text)).message.content == "xx"
    with pytest.raises(type(refused(""))) as caught:
        parse_message(text, message_bytes_max=len(text) - 1)
    assert caught.value.problems[0].kind is ProblemKind.TOO_LARGE
