"""The text of an item that cannot be read in, what is wrong with it out."""

from __future__ import annotations

from msgspec.structs import replace

from .balance import Mender
from .brackets import statement_start
from .builder import Builder
from .lalr import Parser, Token
from .layout import lay_out
from .limits import TextLimits
from .mistakes import explain
from .recovery import (
    BODY_STARTS,
    UNSOUND,
    StatementReader,
    apply,
    find_line,
    has_read,
    is_missing_brace,
    leave_out,
    leave_out_echoes,
)
from .slip import MOST_SLIPS, Slip

MOST_CHARACTERS = 1_000_000
"""How many are read again and again for further mistakes of one item."""
MOST_TOKENS = 100_000
"""In how many the leaves are looked at, where something else is wrong already."""
MOST_IN_A_STATEMENT = 4


def find_slips(
    text: str,
    word: str,
    raw: list[Token],
    slips: list[Slip],
    tokens: list[Token],
    parser: Parser,
    limits: TextLimits,
) -> tuple[Slip, ...]:
    """What is wrong with `text`, whose first word is, or was meant to be, `word`. `raw` are its tokens,
    `slips` what is wrong with these or with their layout, `tokens`."""
    if len(slips) >= MOST_SLIPS:
        return tuple(slips)
    if not is_whole(tokens) and not any(slip.code == "nesting-limit" for slip in slips):
        mender = Mender(raw, text, StatementReader(parser, word, text))
        balanced = mender.mend()
        slips = [*slips, *mender.slips]
        if balanced:
            tokens, deep = lay_out(mender.tokens, text, limits.nesting)
            slips += deep
    if is_whole(tokens):
        slips = [*slips, *Reader(text, word, parser, limits).read(tokens, slips)]
    return leave_out_echoes(slips, text)


def is_whole(tokens: list[Token]) -> bool:
    return bool(tokens) and tokens[-1].kind == "$END"


class Reader:
    """Reads the tokens of one item again and again, each time without what was wrong."""

    def __init__(self, text: str, word: str, parser: Parser, limits: TextLimits) -> None:
        self.text, self.word, self.parser, self.limits = text, word, parser, limits
        self.start = "item"
        self.known: tuple[list[Token], tuple[int, str]] = ([], (0, ""))
        """Where the reader stopped last."""

    def run(self, tokens: list[Token]) -> tuple[int, str]:
        if self.known[0] is not tokens:
            index, kind, _ = self.parser.run(tokens, self.start)
            self.known = tokens, (index, kind)
        return self.known[1]

    def read(self, tokens: list[Token], before: list[Slip]) -> list[Slip]:
        slips: list[Slip] = []
        for _ in range(min(MOST_SLIPS, max(MOST_CHARACTERS // (len(self.text) + 1), 2))):
            if len(tokens) == 1:
                break
            index, kind = self.run(tokens)
            if index < len(tokens):
                tokens[index] = tokens[index]._replace(kind=kind)
                mended = self.mend(tokens, index)
                if mended is not None:
                    tokens, found = mended
                    slips += found
                    continue
                slip = self.explain(tokens, index)
                shorter, gaps = leave_out(tokens, index, self.word)
                if self.start == "item" and not self.word:
                    return [*slips, replace(slip, gaps=((0, len(self.text)),))]
                slips.append(replace(slip, gaps=gaps))
                if not gaps:
                    break
                if self.start == "item" and gaps[0][0] == tokens[0].start:
                    self.start = BODY_STARTS.get(self.word, "")
                    if not self.start or shorter[0].kind != "LBRACE":
                        break
                tokens = shorter
                continue
            if len(tokens) > MOST_TOKENS:
                break
            builder = Builder(self.text, self.limits)
            self.parser.parse(tokens, self.start, builder)
            return slips + self.leave_out_guesses(builder.slips, [*before, *slips])
        return slips

    def leave_out_guesses(self, slips: list[Slip], before: list[Slip]) -> list[Slip]:
        """The slips in what could be read, without those that may only follow from how others were mended: on
        their lines, and anywhere where a brace is missing."""
        unsure = [slip for slip in before if not slip.fix]
        if any(is_missing_brace(slip, self.text) for slip in unsure):
            return [slip for slip in slips if slip.code not in UNSOUND]
        lines = {find_line(self.text, slip) for slip in unsure}
        return [slip for slip in slips if slip.code not in UNSOUND or find_line(self.text, slip) not in lines]

    def explain(self, tokens: list[Token], index: int) -> Slip:
        accepted = self.parser.accepts(tokens[:index], self.start)
        return explain(tokens, index, accepted, self.text, self.word)

    def mend(self, tokens: list[Token], index: int) -> tuple[list[Token], list[Slip]] | None:
        """The tokens with what is missing or wrong in the statement put right, and what that was; None where
        it cannot be read to its end so: then nobody knows what was meant."""
        first = statement_start(tokens, index)
        slips: list[Slip] = []
        guesses = 0
        for _ in range(MOST_IN_A_STATEMENT):
            slip = self.explain(tokens, index)
            slips.append(slip)
            guesses += not slip.fix
            edits = slip.repair or slip.fix
            if not edits or guesses > 1:
                return None
            tokens = apply(tokens, edits)
            reached, _ = self.run(tokens)
            if has_read(tokens, first, reached):
                return tokens, slips
            if reached < index:
                return None
            index = reached
        return None
